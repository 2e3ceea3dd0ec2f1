import os

# Threads that wait by spinning make PyTorch several times slower on a machine that does other work too.
# OpenMP reads this once, so it is set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
