"""Pictures that were made smaller by a whole fraction, and know where in them the whole one lies."""

from PIL import Image

Size = tuple[int, int]
Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge, in pixels."""


class ReducedPicture(Image.Image):
    """A picture at a fraction of its size: the `whole` one, so large, upright, is shown in the box `content` of it.

    The sides of a fraction are rounded up: of 427 rows at a quarter the last of 107 shows three quarters of a row.
    Whoever takes those for all of the picture distorts it by up to a pixel, and crops elsewhere. Whatever is made of
    it, a copy too, is an ordinary picture.
    """

    whole: Size
    content: Box

    @classmethod
    def of(cls, picture: Image.Image, whole: Size, content: Box) -> Image.Image:
        """A loaded picture, which is not to be used any more, as one of a `whole`; itself if it is no smaller."""
        if picture.size == whole:
            return picture
        reduced = cls()
        reduced.im = picture.im
        reduced._mode = picture.mode
        reduced._size = picture.size
        reduced.info = picture.info
        reduced.whole, reduced.content = whole, content
        return reduced

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same pixels."""
        return self.copy() == (other.copy() if isinstance(other, Image.Image) else other)

    __hash__ = None  # type: ignore[assignment]  # as of any picture

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.copy(), self.whole, self.content)


def _again(picture: Image.Image, whole: Size, content: Box) -> Image.Image:
    return ReducedPicture.of(picture, whole, content)


def whole_of(picture: Image.Image) -> tuple[Size, Box]:
    """How large a picture is as a whole, and where in these pixels that lies."""
    if isinstance(picture, ReducedPicture):
        return picture.whole, picture.content
    return picture.size, (0, 0, *picture.size)


def reduced(picture: Image.Image, factor: int) -> Image.Image:
    """The picture with its sides divided by `factor`, rounded up; itself by 1."""
    if factor <= 1:
        return picture
    whole, content = whole_of(picture)
    return ReducedPicture.of(picture.reduce(factor), whole, divided(content, factor))


def divided(box: Box, factor: int) -> Box:
    """The box in a picture whose sides are divided."""
    left, top, right, bottom = box
    return left / factor, top / factor, right / factor, bottom / factor
