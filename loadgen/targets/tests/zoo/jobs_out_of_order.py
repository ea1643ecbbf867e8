"""Keeps two halves and shows one behind the other: what is told as one log is two."""
import jobs


class Jobs(jobs.Jobs):
    def read(self, position):
        with self.lock:
            entries = self.entries[0::2] + self.entries[1::2]
            return 200, {"entries": entries[position:]}


jobs.serve(Jobs)
