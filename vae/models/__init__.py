"""The variational autoencoder, its relatives, their networks and likelihoods."""
