"""What limits each subject of the report, and what would move it: found by profiling."""

LIMITS = {
    "new phrase": """starting up, on one core: imports first (HTTP client, answer cache, NumPy, OpenVINO, command line),
  then loading the text tower into OpenVINO, the tokenizer's vocabulary, one pass of the tower, and the gallery. Looking
  up the remembered vectors and scoring are hardly to be seen. Fewer or later imports would move it, and a text tower
  that is ready in memory: a process that stays.""",
    "help": """the interpreter and the command-line library.""",
    "pictures": """arithmetic, then preprocessing: Pillow's resize takes about a tenth of a picture's processor time,
  and while it runs on one core the tower waits. Preparing the next batch meanwhile would gain some of it on a few
  cores, more on many.""",
    "tower": """arithmetic at the precision the CPU is fastest in. 8-bit integers would be faster still, for some loss
  of fidelity and with pictures to calibrate by.""",
    "limit": """what is no matrix product: norms, softmax, activations, and the attention's own small products.""",
    "first search": """both cores are busy encoding while threads fetch and decode beside it; what is left over is the
  time before the first batch is there (the source's answer and the first pictures, during which the model could load)
  and after the last one. On more cores the network becomes the limit: the connections to a source are few out of
  politeness.""",
    "memory": """the towers: their weights in f32 as read from the file, and beside them as OpenVINO packs them for the
  CPU. Letting go of the text tower before the image tower is loaded would take away the most, weights stored in half
  precision the next. Pictures are a small part, and bounded: a few batches are held.""",
    "text": """the tower's own products, which are too small to keep the cores busy; only the tokens that are there are
  computed, not the padding.""",
}
