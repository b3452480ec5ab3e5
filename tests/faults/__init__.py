"""Real kills and real faults: real processes, real servers, real files, and what the ledger then says."""
