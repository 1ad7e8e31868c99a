"""Which encoder finds what again, how well and at what cost: `python -m benchmarks.encoders`.

Pictures are changed and looked for (`same_picture`), or another of the same thing is (`same_thing`), among real
photographs and drawn scenes; OpenCV's own matcher and imagededup do the same in the same run (`rivals`); ten thousand
pictures are searched (`many`). What was measured is kept in a work directory, so that a run that was stopped goes on.
"""

import os

# As the command has it, before NumPy is imported: threads that wait by turning in circles would count as work.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
