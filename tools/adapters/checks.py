"""The split keeps its promises and the ending checker knows an ending: `python -m unittest adapters.checks`, in `tools/`."""
from __future__ import annotations

import unittest
from itertools import islice

from corpus.split import stories

from .data import SOURCES, as_typed, bad_stories, exchanged, names_in, pair_is_held_out, passages
from .score import ends_badly, score

GIVEN = ("A", "kind", "adj", "noun", "place")


class DataTest(unittest.TestCase):
    def test_no_held_out_item_is_ever_taught(self) -> None:
        for name, source in SOURCES.items():
            taught = {example.prompt for example in islice(source("checks", False), 500)}
            held_out = {example.prompt for example in islice(source("checks", True), 100)}
            self.assertFalse(taught & held_out, name)

    def test_swaps_exchange_two_names_and_nothing_else(self) -> None:
        for example in islice(SOURCES["swap"]("checks", True), 100):
            given = example.prompt.split("<|input|> ")[1].removesuffix("<|label|>")
            self.assertTrue(pair_is_held_out(given))
            self.assertEqual(exchanged(given), example.label[1:])
            self.assertNotEqual(given, example.label[1:])
            self.assertEqual(exchanged(example.label[1:]), given)
            self.assertEqual(len(names_in(given)), 2)
            self.assertEqual(as_typed(example.prompt), f"Sentence: {given}\nSwapped:")

    def test_passages_hold_every_speech_once(self) -> None:
        speeches = [f"NAME:\nSpeech {number}." for number in range(30)]
        text = "\n\n".join(speeches)
        self.assertEqual("".join(passages(text)).strip(), text)


class EndingTest(unittest.TestCase):
    def test_accepts_bad_endings_and_no_happy_ones(self) -> None:
        for example in islice(bad_stories("checks", True), 60):
            self.assertTrue(ends_badly(example.prompt + example.label, example.bindings), example.label)
        for story in islice(stories("checks", withheld=True), 60):
            self.assertFalse(ends_badly(story.text, {name: story.bindings[name] for name in GIVEN}), story.text)

    def test_rejects_a_story_that_goes_on(self) -> None:
        for example in islice(bad_stories("checks", True), 30):
            text = example.prompt + example.label
            self.assertFalse(ends_badly(text + " Then they were happy.", example.bindings))

    def test_scores_what_was_answered(self) -> None:
        right, wrong = ({"kind": "exact", "text": text, "answer": " Mia met Tom."} for text in (" Mia met Tom.", " Tom met Mia."))
        self.assertEqual(score([right, wrong])["exact"], {"passed": 1, "of": 2, "percent": 50.0})
        losses = [{"kind": "loss", "nats": 6.0, "tokens": 2}, {"kind": "loss", "nats": 3.0, "tokens": 1}]
        self.assertEqual(score(losses)["loss"], {"nats_per_token": 3.0, "tokens": 3})


if __name__ == "__main__":
    unittest.main()
