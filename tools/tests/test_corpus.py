"""The grammar reads what it writes and nothing else, and the split keeps its promises. Standard library only."""
from __future__ import annotations

import random
import unittest
from itertools import islice

from corpus import korean
from corpus.grammar import CLASSES, VARIABLES, Story, read, write
from corpus.plots import PLOTS
from corpus.split import combination_is_withheld, sentence_is_held_out, sentences, stories
from corpus.tasks import swap_pair


def written(ending: str, count: int = 4) -> list[Story]:
    return [write(plot, random.Random(f"{plot.name}/{index}"), ending=ending) for plot in PLOTS for index in range(count)]


class GrammarTest(unittest.TestCase):
    def test_reads_every_plot_with_both_endings(self) -> None:
        for ending in ("happy", "bad"):
            for story in written(ending):
                reading = read(story.text, PLOTS, ending)
                self.assertTrue(reading.ok, f"{story.plot}: {reading.expected!r} expected at {reading.position}: {story.text}")

    def test_a_bad_ending_is_no_happy_one(self) -> None:
        for story in written("bad", 1):
            self.assertFalse(read(story.text, PLOTS, "happy").ok)

    def test_rejects_one_changed_word(self) -> None:
        """A name, thing or place swapped for another of its class in the last place it stands breaks the story."""
        for story in written("happy"):
            for variable in ("A", "B", "noun", "adj", "place2", "spot1", "spot2", "elder", "food", "n"):
                value = story.bindings.get(variable)
                if variable == "place2" and value == story.bindings["place"]:
                    continue
                if value is None or story.text.count(value) < 2 or variable in ("adj", "n"):
                    continue
                other = next(word for word in CLASSES[VARIABLES[variable]] if word not in story.bindings.values())
                head, _, tail = story.text.rpartition(value)
                self.assertFalse(read(head + other + tail, PLOTS).ok, f"{story.plot}: {value} -> {other} in {story.text}")

    def test_rejects_unfinished_repeated_and_foreign_text(self) -> None:
        for story in written("happy", 1):
            whole = story.text.split(". ")
            self.assertFalse(read(". ".join(whole[:-1]) + ".", PLOTS).ok)
            self.assertFalse(read(story.text + " " + whole[-1], PLOTS).ok)
            self.assertFalse(read(story.text + " Then they slept.", PLOTS).ok)

    def test_pronouns_follow_the_name(self) -> None:
        for story in written("happy", 2):
            for pronoun, other in zip([" he ", " his "], [" she ", " her "]):
                swapped = story.text.replace(pronoun, "\0").replace(other, pronoun).replace("\0", other)
                if swapped != story.text:
                    self.assertFalse(read(swapped, PLOTS).ok, swapped)

    def test_the_prompt_begins_the_story(self) -> None:
        for story in written("happy"):
            self.assertTrue(story.text.startswith(story.prompt + " "))
            for variable in ("A", "noun", "place"):
                self.assertIn(story.bindings[variable], story.prompt)


class SplitTest(unittest.TestCase):
    def test_withheld_pairs_never_meet_in_training(self) -> None:
        for story in islice(stories("test"), 300):
            self.assertFalse(combination_is_withheld(story.bindings))
        for story in islice(stories("test", withheld=True), 50):
            self.assertTrue(combination_is_withheld(story.bindings))

    def test_streams_repeat(self) -> None:
        first, second = ([story.text for story in islice(stories("test"), 20)] for _ in range(2))
        self.assertEqual(first, second)

    def test_korean_sides(self) -> None:
        for side in (False, True):
            for item in islice(sentences("test", held_out=side), 100):
                self.assertEqual(sentence_is_held_out(item), side)


class KoreanTest(unittest.TestCase):
    def test_particles_follow_the_final_consonant(self) -> None:
        self.assertEqual([korean.topic("하나"), korean.topic("서준")], ["하나는", "서준은"])
        self.assertEqual([korean.object_("사과"), korean.object_("책")], ["사과를", "책을"])
        self.assertEqual([korean.subject("고양이"), korean.subject("곰")], ["고양이가", "곰이"])
        self.assertEqual([korean.together("민수"), korean.together("지훈")], ["민수와", "지훈과"])


class TaskTest(unittest.TestCase):
    def test_swapped_names(self) -> None:
        rng = random.Random(3)
        for _ in range(50):
            given, label = swap_pair(rng)
            self.assertNotEqual(given, label)
            self.assertEqual(sorted(given.replace(",", " ").replace(".", " ").split()),
                             sorted(label.replace(",", " ").replace(".", " ").split()))


if __name__ == "__main__":
    unittest.main()
