"""A phrase against a folder as in OpenAI's example, one picture at a time, nothing kept: MODEL FOLDER PHRASE."""

import sys
from pathlib import Path

import open_clip
import torch
from PIL import Image

model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{sys.argv[1]}", device="cpu")
tokenizer = open_clip.get_tokenizer(f"local-dir:{sys.argv[1]}")
model.eval()
files = sorted(Path(sys.argv[2]).glob("*.jpg"))
scores = []
with torch.no_grad():
    text = model.encode_text(tokenizer([sys.argv[3]]))
    text /= text.norm(dim=-1, keepdim=True)
    for file in files:
        image = model.encode_image(preprocess(Image.open(file)).unsqueeze(0))
        image /= image.norm(dim=-1, keepdim=True)
        scores.append(float(image @ text.T))
for index in sorted(range(len(files)), key=lambda index: -scores[index])[:10]:
    print(f"{scores[index]:.3f}\t{files[index].name}")
