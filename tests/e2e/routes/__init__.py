"""Routes taken on a live cluster, by people who only have the rights that they are given."""
