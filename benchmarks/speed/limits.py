"""What limits each subject of the report, and what would move it: found by profiling."""

LIMITS = {
    "new phrase": """starting up: the interpreter, the command line, NumPy and the search's own modules, one after the
  other, under one lock. Meanwhile a child process runs the text tower, in NumPy, from its file; the search waits for
  it a fiftieth of a second. Then the kept answer and the remembered vectors are looked up, and the pictures to show
  are decoded, compared and written into the gallery. Scoring is hardly to be seen. A process that stays would move
  it, where nothing is loaded again.""",
    "help": """the interpreter and the command-line library.""",
    "pictures": """arithmetic, then preprocessing: Pillow's resize takes about a tenth of a picture's processor
  time. Here it takes turns with the tower, each on all cores. A search prepares the next pictures while the tower
  runs, which gains something on many cores, and little on two that are busy anyway.""",
    "tower": """arithmetic at the precision the CPU is fastest in. 8-bit integers throughout would be faster still,
  for some loss of fidelity and with pictures to calibrate by; weights alone in 8 bits are slower (141 ms for eight
  pictures where bf16 takes 89), for they are unpacked again each time.""",
    "limit": """what is no matrix product: norms, softmax, activations, and the attention's own small products.""",
    "first search": """the cores: both encode while threads fetch, decode and prepare, and
  whatever else is done takes its time from the encoder: the requests themselves, the fingerprints by which the same
  picture is known again, and keeping files and vectors. All of it costs more beside the encoder than by itself, for
  they use the same caches. Before the first picture is here the cores have little to do but load the model. On more
  cores the network becomes the limit: the connections to a source are few out of politeness.""",
    "export": """the disk and the processors: two graphs are written from the weights, read back, and what a CPU needs
  is compiled and kept, while the pictures come. Its memory: the mapped weights, and the tower written of them.""",
    "memory": """the interpreter and its libraries, OpenVINO first among them, and one tower at a time: its weights as
  OpenVINO packs them for the CPU (in bf16 where the CPU computes in it); the file's own are given back as it packs
  them. Pictures are a small part, and bounded: a few batches are held, and files are kept on disk.""",
    "text": """memory: each phrase reads 75 MB of weights, in bf16, for products that are too small to keep the cores
  busy; the best of thirty takes 5 ms, at the bandwidth that two cores have, and others on the same machine want it
  too. Only the tokens that are there are computed, not the padding. Weights in 8 bits gain little (8.7 ms beside
  10.2) and err six times as much.""",
}
