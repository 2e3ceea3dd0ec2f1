"""A small Korean grammar with parallel English: polite past-tense sentences about who did what, where, with what.

Particles follow the final consonant (받침) of the word before them, by the Hangul syllable arithmetic of Unicode
(chapter 3.12): a syllable has a final consonant when (code point − 0xAC00) mod 28 is not 0.
"""
from __future__ import annotations

import random
from dataclasses import dataclass

NAMES = [("민수", "Minsu"), ("지수", "Jisu"), ("하나", "Hana"), ("유나", "Yuna"), ("준호", "Junho"), ("서준", "Seojun"),
         ("민지", "Minji"), ("수빈", "Subin"), ("지훈", "Jihun"), ("영희", "Yeonghui"), ("철수", "Cheolsu"), ("은지", "Eunji"),
         ("도윤", "Doyun"), ("소라", "Sora"), ("미나", "Mina"), ("현우", "Hyeonu"), ("가은", "Gaeun"), ("태민", "Taemin"),
         ("보라", "Bora"), ("나리", "Nari"), ("동현", "Donghyeon"), ("예린", "Yerin"), ("상우", "Sangu"), ("다은", "Daeun")]
PEOPLE = [("할머니", "the grandmother"), ("할아버지", "the grandfather"), ("엄마", "the mother"), ("아빠", "the father"),
          ("선생님", "the teacher"), ("친구", "the friend"), ("아이", "the child"), ("의사", "the doctor")]
ANIMALS = [("고양이", "cat"), ("강아지", "puppy"), ("토끼", "rabbit"), ("여우", "fox"), ("곰", "bear"), ("새", "bird"),
           ("말", "horse"), ("오리", "duck"), ("거북이", "turtle"), ("사자", "lion"), ("원숭이", "monkey"), ("양", "sheep")]
PLACES = [("공원", "park"), ("학교", "school"), ("집", "house"), ("시장", "market"), ("바다", "sea"), ("산", "mountain"),
          ("숲", "forest"), ("도서관", "library"), ("정원", "garden"), ("병원", "hospital"), ("가게", "shop"), ("강", "river"),
          ("방", "room"), ("농장", "farm"), ("역", "station"), ("호수", "lake")]
FOODS = [("빵", "bread"), ("사과", "an apple"), ("밥", "rice"), ("케이크", "cake"), ("수박", "a watermelon"), ("딸기", "a strawberry"),
         ("국수", "noodles"), ("김치", "kimchi"), ("떡", "rice cake"), ("과자", "a cookie")]
THINGS = [("책", "book"), ("공", "ball"), ("가방", "bag"), ("모자", "hat"), ("꽃", "flower"), ("편지", "letter"), ("우산", "umbrella"),
          ("연필", "pencil"), ("인형", "doll"), ("시계", "clock"), ("의자", "chair"), ("그림", "picture"), ("신발", "shoe"),
          ("열쇠", "key"), ("종", "bell"), ("배", "boat")]
ADJECTIVES = [("작은", "small"), ("큰", "big"), ("빨간", "red"), ("파란", "blue"), ("노란", "yellow"), ("예쁜", "pretty"),
              ("새", "new"), ("하얀", "white"), ("검은", "black"), ("오래된", "old")]
TIMES = [("어제", "yesterday"), ("아침에", "in the morning"), ("저녁에", "in the evening"), ("밤에", "at night"),
         ("토요일에", "on Saturday"), ("오늘", "today")]
THING_VERBS = [("찾았어요", "found"), ("샀어요", "bought"), ("보았어요", "saw"), ("만들었어요", "made"), ("잃어버렸어요", "lost"),
               ("숨겼어요", "hid"), ("가져왔어요", "brought"), ("좋아했어요", "liked")]
PLACE_VERBS = [("놀았어요", "played"), ("잤어요", "slept"), ("웃었어요", "laughed"), ("노래했어요", "sang"), ("뛰었어요", "ran"),
               ("기다렸어요", "waited"), ("일했어요", "worked"), ("울었어요", "cried"), ("쉬었어요", "rested"), ("춤췄어요", "danced")]
FEELINGS = [("행복했어요", "was happy"), ("슬펐어요", "was sad"), ("배고팠어요", "was hungry"), ("피곤했어요", "was tired"),
            ("추웠어요", "was cold"), ("심심했어요", "was bored")]


@dataclass(frozen=True)
class Sentence:
    """One parallel sentence; `form` names the rule that made it."""

    form: str
    korean: str
    english: str


def has_final(word: str) -> bool:
    """Whether the last syllable ends in a consonant."""
    return (ord(word[-1]) - 0xAC00) % 28 != 0


def topic(word: str) -> str:
    return word + ("은" if has_final(word) else "는")


def subject(word: str) -> str:
    return word + ("이" if has_final(word) else "가")


def object_(word: str) -> str:
    return word + ("을" if has_final(word) else "를")


def together(word: str) -> str:
    return word + ("과" if has_final(word) else "와")


def a(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def sentence(rng: random.Random, who: tuple[str, str] | None = None) -> Sentence:
    """Draws one of ten sentence forms; `who` fixes the person."""
    pick = rng.choice
    name = who or pick(NAMES if rng.random() < 0.8 else PEOPLE)
    other = pick([n for n in NAMES if n != name])
    place, thing, adjective, food = pick(PLACES), pick(THINGS), pick(ADJECTIVES), pick(FOODS)
    animal, verb, move, feeling, time = pick(ANIMALS), pick(THING_VERBS), pick(PLACE_VERBS), pick(FEELINGS), pick(TIMES)
    form = rng.randrange(10)
    korean, english = [
        lambda: (f"{topic(name[0])} {place[0]}에서 {object_(thing[0])} {verb[0]}.",
                 f"{name[1]} {verb[1]} {a(thing[1])} at the {place[1]}."),
        lambda: (f"{topic(name[0])} {adjective[0]} {object_(thing[0])} {verb[0]}.",
                 f"{name[1]} {verb[1]} {a(adjective[1] + ' ' + thing[1])}."),
        lambda: (f"{topic(name[0])} {object_(food[0])} 먹었어요.", f"{name[1]} ate {food[1]}."),
        lambda: (f"{topic(name[0])} {time[0]} {place[0]}에 갔어요.", f"{name[1]} went to the {place[1]} {time[1]}."),
        lambda: (f"{place[0]}에 {adjective[0]} {subject(animal[0])} 있었어요.",
                 f"There was {a(adjective[1] + ' ' + animal[1])} in the {place[1]}."),
        lambda: (f"{topic(name[0])} {place[0]}에서 {move[0]}.", f"{name[1]} {move[1]} at the {place[1]}."),
        lambda: (f"{topic(name[0])} {other[0]}에게 {object_(thing[0])} 주었어요.",
                 f"{name[1]} gave {other[1]} {a(thing[1])}."),
        lambda: (f"{topic(name[0])} {time[0]} {feeling[0]}.", f"{name[1]} {feeling[1]} {time[1]}."),
        lambda: (f"{together(name[0])} {topic(other[0])} {place[0]}에서 {move[0]}.",
                 f"{name[1]} and {other[1]} {move[1]} at the {place[1]}."),
        lambda: (f"{adjective[0]} {subject(animal[0])} {object_(food[0])} 먹었어요.",
                 f"The {adjective[1]} {animal[1]} ate {food[1]}."),
    ][form]()
    return Sentence(f"form{form}", korean, capital(english))


def passage(rng: random.Random) -> list[Sentence]:
    """A few sentences about one person."""
    who = rng.choice(NAMES)
    return [sentence(rng, who if rng.random() < 0.7 else None) for _ in range(rng.randint(3, 7))]
