"""The objects of the theory on one instance: flows, KKT points, early training, rank-one points."""
