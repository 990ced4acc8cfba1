"""fastai training of any encoder."""
