"""Writes its file every half second, and loses what was appended since when it is killed."""
import json
import threading
import time

import jobs


class Jobs(jobs.Jobs):
    def __init__(self):
        self.unsaved = []
        super().__init__()
        threading.Thread(target=self.save_on, daemon=True).start()

    def save(self, key, value):
        self.unsaved.append([key, value])

    def save_on(self):
        while True:
            time.sleep(0.5)
            with self.lock:
                lines, self.unsaved = self.unsaved, []
            with open(jobs.FILE, "a") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)


jobs.serve(Jobs)
