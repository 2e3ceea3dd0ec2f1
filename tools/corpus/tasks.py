"""Short documents around the stories: questions, counting, chats, and instruction / input / label triplets."""
from __future__ import annotations

import random

from . import lexicon as lex
from .grammar import Story
from .korean import Sentence

# The first ids of the vocabulary, in this order.
BEGIN = "<|endoftext|>"
NAMED = [BEGIN, "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|instruction|>", "<|input|>", "<|label|>"]
RESERVED = NAMED + [f"<|reserved_{number}|>" for number in range(len(NAMED), 16)]

QUESTIONS_FOLLOW = "Read the story and answer the questions."
SWAP_FORMS = ["{A} gave {B} {a} {t}.", "{A} showed {B} {a} {t} near {p}.", "{A} and {B} went to {p}.", "{A} met {B} near {p}.",
              "{A} saw that {B} had {a} {t}.", "{A} helped {B} to find the {t}.", "{A} waited for {B} near {p}.",
              "{A} took the {t} to {B}.", "{A} told {B} about {p}.", "{A} lives near {p}, and {B} has {a} {t}."]


def triplet(instruction: str, given: str, label: str) -> str:
    """The format the reserved tokens stand for; adapters are trained on it.

    Each field begins with a space, so that a name is the same token wherever it stands.
    """
    asked = f"<|instruction|> {instruction}" if instruction else ""
    return f"{asked}<|input|> {given}<|label|> {label}".rstrip(" ")


def story_with_questions(story: Story, rng: random.Random) -> str:
    chosen = rng.sample(story.questions, min(len(story.questions), rng.randint(2, 4)))
    return f"{QUESTIONS_FOLLOW}\n{story.text}\n" + "\n".join(f"Question: {q}\nAnswer: {a}" for q, a in chosen)


def answer_triplet(story: Story, rng: random.Random) -> str:
    question, answer = rng.choice(story.questions)
    return triplet("Answer the question.", f"{story.text}\n{question}", answer)


def swap_pair(rng: random.Random) -> tuple[str, str]:
    """A sentence with two names, and the same with the names exchanged."""
    form = rng.choice(SWAP_FORMS)
    first, second = rng.sample(lex.GIRLS + lex.BOYS, 2)
    thing, place = rng.choice(lex.THINGS), rng.choice(lex.PLACES)
    words = {"a": lex.article(thing), "t": thing, "p": place}
    return form.format(A=first, B=second, **words), form.format(A=second, B=first, **words)


def copy_triplet(rng: random.Random) -> str:
    """Half of them carry no instruction: what to do with a bare input, then, is to repeat it."""
    given, _ = swap_pair(rng)
    return triplet(rng.choice(["Repeat the sentence.", ""]), given, given)


def translate_triplet(sentence: Sentence) -> str:
    return triplet("Translate to English.", sentence.korean, sentence.english)


def chat(story: Story, rng: random.Random) -> str:
    """A one-turn chat in the tokenizer's template; the story's own first sentences follow from the request."""
    hero = f"{lex.article(story.bindings['kind'])} {story.bindings['kind']} named {story.bindings['A']}"
    thing = f"{lex.article(story.bindings['adj'])} {story.bindings['adj']} {story.bindings['noun']}"
    request = rng.choice(["Tell me a story about {h} and {t}.", "Write a story about {h} who lives near {p}.",
                          "Please tell a story with {h} and {t}."]).format(h=hero, t=thing, p=story.bindings["place"])
    system = "<|system|>You tell short stories.<|end|>" if rng.random() < 0.3 else ""
    return f"{system}<|user|>{request}<|end|><|assistant|>{story.text}<|end|>"


def counting(rng: random.Random) -> str:
    """Number sequences in figures or words: upwards, downwards, by steps."""
    kind = rng.randrange(5)
    if kind == 0:
        start, length = rng.randint(0, 80), rng.randint(6, 20)
        return "Count: " + " ".join(str(start + i) for i in range(length))
    if kind == 1:
        start = rng.randint(10, 60)
        return f"Count down from {start}: " + " ".join(str(start - i) for i in range(min(start + 1, rng.randint(6, 16))))
    if kind == 2:
        start, step, length = rng.randint(0, 20), rng.choice([2, 3, 5, 10]), rng.randint(5, 12)
        return f"Count by {step}: " + " ".join(str(start + step * i) for i in range(length))
    if kind == 3:
        fruits, total = rng.choice(lex.FRUITS), rng.randint(3, 12)
        return ", ".join(f"{word} {fruits}" for word in lex.NUMBERS[2:total + 1]) + "."
    left, right = rng.randint(1, 6), rng.randint(1, 6)
    return f"{lex.NUMBERS[left].capitalize()} and {lex.NUMBERS[right]} make {lex.NUMBERS[left + right]}."
