"""Training pairs: photo corpora, pairs made by optics, and the tf.data pipeline that feeds them."""
