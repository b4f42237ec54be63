"""What the pages' JavaScript reads: decoders, codes and pictures as bytes."""
