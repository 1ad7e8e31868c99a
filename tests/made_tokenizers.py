"""Tokenizers of the architectures that multilingual models have, trained on a few lines, and towers for them."""

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

from tests.tiny_models import TINY

LINES = (
    "a tiger playing in the snow", "two red boats at night in the rain", "ein Tiger spielt im Schnee",
    "тигр играет в снегу",
    "老虎在雪地里玩耍", "雪の中で遊ぶ虎", "نمر يلعب في الثلج", "טיגריס משחק בשלג", "बर्फ में खेलता हुआ बाघ",
)  # fmt: skip


def siglip_tokenizer() -> PreTrainedTokenizerFast:
    """As SigLIP 2's, which is Gemma's: byte-pair encoding over ▁words with bytes to fall back on, an end of text."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=500, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )


def write_siglip(directory: Path, seed: int = 0, context: int = 16, model_config: dict[str, Any] | None = None) -> Path:
    """A model built as open_clip builds SigLIP 2, but small: its text tower sees a whole text, pools the last token."""
    tokenizer = siglip_tokenizer()
    config: dict[str, Any] = {
        "model_cfg": model_config
        or {
            "embed_dim": 16,
            "init_logit_bias": -10,
            "custom_text": True,
            "vision_cfg": TINY["model_cfg"]["vision_cfg"],
            "text_cfg": {
                "context_length": context,
                "vocab_size": len(tokenizer),
                "hf_tokenizer_name": "made/here",
                "tokenizer_kwargs": {"clean": "canonicalize"},
                "width": 32,
                "heads": 2,
                "layers": 2,
                "no_causal_mask": True,
                "proj_bias": True,
                "pool_type": "last",
                "norm_kwargs": {"eps": 1e-6},
                "act_kwargs": {"approximate": "tanh"},
            },
        },
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"},
    }
    torch.manual_seed(seed)
    settings = {name: value for name, value in config["model_cfg"].items() if name != "custom_text"}
    model = open_clip.CustomTextCLIP(**settings).eval()
    directory.mkdir(parents=True)
    (directory / "open_clip_config.json").write_text(json.dumps(config))
    torch.save(model.state_dict(), directory / "open_clip_pytorch_model.bin")
    tokenizer.save_pretrained(directory)
    return directory


def bert_tokenizer() -> PreTrainedTokenizerFast:
    """As multilingual BERT's: word pieces, upper and lower case and accents kept."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=500, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]",
    )  # fmt: skip


def write_text_tower(
    directory: Path,
    dimensions: int = 16,
    *,
    seed: int = 0,
    context: int = 24,
    width: int = 32,
    layers: int = 2,
    heads: int = 2,
    words: int | None = None,
) -> Path:
    """DistilBERT, the mean of its tokens, a matrix without bias: as clip-ViT-B-32-multilingual-v1 is built."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    tokenizer = bert_tokenizer()
    torch.manual_seed(seed)
    config = DistilBertConfig(
        vocab_size=words or len(tokenizer), dim=width, n_layers=layers, n_heads=heads, hidden_dim=4 * width
    )
    base = directory / "base"
    DistilBertModel(config).save_pretrained(base)
    tokenizer.save_pretrained(base)
    tower = SentenceTransformer(
        modules=[
            Transformer(str(base), max_seq_length=context),
            Pooling(width, pooling_mode="mean"),
            Dense(width, dimensions, bias=False, activation_function=torch.nn.Identity()),
        ],
        device="cpu",
    )
    place = directory / "tower"
    tower.save(str(place), create_model_card=False)
    # As the hub has it: written by an early version, with the names and settings of that time.
    kinds = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense")
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (kind, path) in enumerate(kinds)
    ]
    settings = {
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": context, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": width,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "2_Dense/config.json": {
            "in_features": width,
            "out_features": dimensions,
            "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
        "tokenizer_config.json": {
            "do_lower_case": False,
            "tokenizer_class": "DistilBertTokenizer",
            "model_max_length": 512,
            "unk_token": "[UNK]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "mask_token": "[MASK]",
        },
    }
    for name, content in settings.items():
        (place / name).write_text(json.dumps(content), encoding="utf-8")
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (place / "vocab.txt").write_text("\n".join(word for word, _ in vocabulary), encoding="utf-8")
    dense = place / "2_Dense" / "model.safetensors"
    torch.save(load_file(dense), dense.with_name("pytorch_model.bin"))
    dense.unlink()
    return place
