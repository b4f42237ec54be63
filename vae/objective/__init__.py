"""What training minimises: the ELBO's terms and the losses made of them."""
