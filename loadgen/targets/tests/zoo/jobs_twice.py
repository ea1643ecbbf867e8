"""Hands each append on to itself until that is answered, and takes every fiftieth that it sends again for something new."""
import jobs


class Jobs(jobs.Jobs):
    def append(self, key, value):
        with self.lock:
            answer = super().append(key, value)
            if len(self.entries) % 50 == 0:
                super().append(f"{key} again", value)
            return answer


jobs.serve(Jobs)
