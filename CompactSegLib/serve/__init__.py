"""The worker: frames, requests, the mailbox they wait in, and the warm session that carries them out."""
