"""Uploaded pictures are shown as they are and as the model sees them, or refused in a sentence."""

import pytest
from PIL import Image, ImageDraw

from pages.ui.markdown import JOINER
from tests.support.hostile_files import UNWELCOME, WELCOME, noise, saved


def upload_to(open_page, content: bytes, name: str = "mine.png"):
    """Open Interpolate, and upload a picture as its end B."""
    page = open_page("pages/interpolate.py", model="digits-beta-1", b="upload")
    page.file_uploader[0].upload(name, content).run()
    assert not page.exception
    return page


def captions(page) -> str:
    return "\n".join(caption.value for caption in page.caption)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PNG with alpha", "transparent parts on black; made grey; resized to 8 × 8 pixels"),
        ("animated GIF", "the first frame of an animation; made grey"),
        ("turned JPEG 6", "turned as its camera says; made grey"),
        ("16 bits of grey", "16 bits of grey made 8; resized to"),
        ("wide", "cropped to its middle square; made grey"),
    ],
)
def test_what_was_made_of_a_picture_is_said(open_page, name, words):
    page = upload_to(open_page, WELCOME[name].content)
    assert f"mine.png: {words}" in captions(page)
    assert not page.warning


def test_it_stays_over_pages_and_models_and_is_small(open_page):
    page = upload_to(open_page, saved(noise(1200)))
    key, kept = page.session_state["picture-B"]
    assert key
    assert kept.pixels.nbytes + kept.preview.nbytes < 2**20
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-map").run()
    assert "mine.png: made grey" in captions(page)


def test_the_next_picture_takes_the_place_of_the_last(open_page):
    page = upload_to(open_page, WELCOME["plain PNG"].content)
    for number in range(3):
        page.file_uploader[0].upload(f"{number}.png", WELCOME["wide"].content).run()
    assert page.session_state["picture-B"][1].name == "2.png"
    assert "0.png" not in captions(page)


@pytest.mark.parametrize("name", ["nothing", "SVG", "PNG cut short", "20,000 x 20,000"])
def test_a_bad_picture_is_one_sentence_and_the_page_goes_on(open_page, name):
    make, expected = UNWELCOME[name]
    page = upload_to(open_page, make())
    assert len(page.warning) == 1
    assert page.warning[0].value.startswith("mine.png ")
    assert expected in page.warning[0].value
    assert any("Pixel blend" in text.value for text in page.markdown)
    under = [caption for image in page.get("image") for caption in image.captions]
    assert any("until a picture is chosen" in caption for caption in under)


def test_a_black_picture_is_said_to_be_black(open_page):
    page = upload_to(open_page, saved(Image.new("RGBA", (9, 9), (255, 255, 255, 0))))
    assert "an image that is **all black**" in captions(page)
    page.toggle(key="invert-B").set_value(True).run()
    assert "no dark ink on light paper" in page.warning[0].value
    assert not page.exception


def test_ink_on_paper_is_made_the_data_set_s(open_page):
    paper = Image.new("L", (300, 300), 200)
    ImageDraw.Draw(paper).line([(40, 40), (60, 120)], fill=60, width=5)
    page = upload_to(open_page, saved(paper))
    toggle = page.toggle(key="invert-B")
    assert toggle.label == "Ink on paper"
    toggle.set_value(True).run()
    assert "mine.png: its ink separated from the paper" in captions(page)
    assert not page.warning


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>.png", r"\<img src=x onerror=alert(1)\>.png"),
        ("**loud** [here](http://a.b).png", r"\*\*loud\*\* \[here\](http\://a.b).png"),
        ("\u202egnp.exe.png", "\ufffdgnp.exe.png"),
        ("2\nlines.png", "2 lines.png"),
        (":material/home:.png", f"\\:{JOINER}material/home\\:.png"),
    ],
)
def test_a_file_s_name_is_shown_as_it_reads(open_page, name, shown):
    page = upload_to(open_page, WELCOME["plain PNG"].content, name)
    assert f"{shown}: made grey" in captions(page)
    page = upload_to(open_page, b"nothing", name)
    assert page.warning[0].value.startswith(shown)
