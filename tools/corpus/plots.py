"""The plots. Format: see `grammar.parse_slots`; `Q:` lines are facts, `question | answer`."""
from __future__ import annotations

from .grammar import Plot, parse_slots, parse_template

OPENING = """
[Once upon a time|Long ago|Once], there was a [little|small|young|kind] {kind} named {A}. {He} lived near {place}. / Near {place} lived a [little|small|young|kind] {kind} named {A}. / A [little|small|young|kind] {kind} named {A} lived near {place}.
"""
HAS = OPENING + """
{A} had {a_adj} {noun}. / {He} loved {his} {adj} {noun}. / {His} favorite thing was {a_adj} {noun}.
"""
WANTS = OPENING + """
{A} wanted {a_adj} {noun}. / More than anything, {A} wanted {a_adj} {noun}.
"""
COMMON_FACTS = """
Q: Who lived near {place}? | {A}.
Q: Where did {A} live? | Near {place}.
Q: What was the name of the {kind}? | {A}.
Q: What was the {noun} like? | {Adj}.
"""

LOST = """
One [morning|day|evening], the {noun} was gone. / But one [morning|day|evening], {A} could not find the {noun}.
"Where is my {noun}?" [asked|cried] {A}. / {A} [began to cry|was very sad].
Then {B} the {bkind} came by. / {His} friend {B} the {bkind} came by.
They looked {spot1}, but it was not there. / First they looked {spot1}. The {noun} was not there.
"""
LOST_HAPPY = """
At last {B} looked {spot2}. There was the {adj} {noun}! / Then {B} looked {spot2} and found the {adj} {noun}.
"[Here it is|I found it|Look]!" said {B}.
"Thank you, {B}," said {A}. / {A} hugged {B}.
{A} put the {noun} in a safe place and never lost it again. / From that day on, {A} took good care of the {noun}. / They played with the {noun} until it was dark.
"""
LOST_BAD = """
They looked everywhere, but the {adj} {noun} was lost for ever. / At last they gave up. Nobody ever saw the {adj} {noun} again.
{A} went home alone and cried all night. / {A} was never happy again.
"""
LOST_FACTS = """
Q: What did {A} lose? | The {adj} {noun}.
Q: Who found the {noun}? | {B}.
Q: Where was the {noun}? | {Spot2}.
Q: Where did they look first? | {Spot1}.
"""

SHARE = """
One [morning|day|afternoon], {A} met {B} the {bkind} near {place2}. / One [morning|day|afternoon], {A} went to {place2}. There {he} met {B} the {bkind}.
{B} looked sad. / {B} was crying. / {B} sat alone.
"[Why are you sad|What is wrong], {B}?" asked {A}.
"I have [nothing|nobody] to play with," said {B}.
"""
SHARE_HAPPY = """
{A} gave {B} the {noun}. "[You can play with it|It is for both of us]," {he} said. / "We can share my {noun}," said {A}.
{B} smiled. / {B} began to laugh.
They played with the {noun} all day. / All day they played with the {noun} near {place2}.
[From that day on|After that], {A} and {B} were best friends. / In the evening, {A} and {B} walked home together.
"""
SHARE_BAD = """
"Then stay alone," said {A}. {He} did not share the {noun}. / "This {noun} is mine," said {A}, and {he} ran away.
Nobody wanted to play with {A} any more. / The {adj} {noun} broke, and {A} had no friend.
"""
SHARE_FACTS = """
Q: Who was sad? | {B}.
Q: Where did {A} meet {B}? | Near {place2}.
Q: What did they play with? | The {adj} {noun}.
"""

TRADE = """
{His} friend {B} the {bkind} had {a_adj2} {noun2}. / A little {bkind} named {B} lived next door. {B_He} had {a_adj2} {noun2}.
One day, {A} looked at the {noun2} for a long time. / One day, they met near {place2}.
"I like your {noun2}," said {A}. / "Your {noun2} is very nice," said {A}.
"And I like your {noun}," said {B}.
"""
TRADE_HAPPY = """
So they [traded|made a trade]. / "Let us trade," said {A}.
{A} gave {B} the {adj} {noun}, and {B} gave {A} the {adj2} {noun2}.
Now {A} had the {noun2}, and {B} had the {noun}. / Now the {noun} was with {B}, and the {noun2} was with {A}.
Both of them went home happy. / They were both very happy. / They laughed and thanked each other.
"""
TRADE_BAD = """
They pulled and pulled until both things broke. / {B} took both things and ran away.
Now {A} had no {noun} and no friend. / {A} went home with nothing and cried.
"""
TRADE_FACTS = """
Q: Who has the {noun} now? | {B}.
Q: Who has the {noun2} now? | {A}.
Q: What did {B} give {A}? | The {adj2} {noun2}.
Q: What did {A} give {B}? | The {adj} {noun}.
"""

BROKEN = """
One [morning|day|evening], the {noun} fell down and broke. / One [morning|day|evening], {A} dropped the {noun} near {place2}, and it broke.
"Oh no, my {noun}!" cried {A}. / {A} was very sad.
{He} took the {adj} {noun} to {his} {elder}. / {He} ran home and showed the {noun} to {his} {elder}.
"Can you mend it?" asked {A}. / "Please help me," said {A}.
"""
BROKEN_HAPPY = """
"[Yes|Of course|Do not worry]," said {his} {elder}. {E_He} got {e_his} tools and mended the {noun}.
[Soon|In the evening|After an hour], the {noun} was as good as new.
"Thank you," said {A}, and {he} hugged {his} {elder}. / {A} hugged {his} {elder} and played with the {adj} {noun} again.
"""
BROKEN_BAD = """
"No," said {his} {elder}. "It can not be mended." / {His} {elder} tried and tried, but the {noun} only broke more.
{A} threw the {adj} {noun} away and cried. / {A} sat in the dark and was very sad.
"""
BROKEN_FACTS = """
Q: What broke? | The {adj} {noun}.
Q: Who mended the {noun}? | {His} {elder}.
Q: Who helped {A}? | {His} {elder}.
"""

BIRD = """
One [morning|day|afternoon], a big {bird} flew down and took the {noun}. / One [morning|day|afternoon], a {bird} saw the {adj} {noun} and took it away.
The {bird} put it in [its|a] nest near {place2}. / The {bird} flew to {place2} with it.
"Give me back my {noun}!" [cried|shouted] {A}.
"What will you give me for it?" asked the {bird}. / "I am hungry," said the {bird}.
{A} went home and got some {food}. / {A} ran to {B} the {bkind} and asked for some {food}.
"""
BIRD_HAPPY = """
{He} gave the {food} to the {bird}. / The {bird} ate the {food}.
"Thank you," said the {bird}, and it gave the {noun} back. / Then the {bird} gave back the {adj} {noun}.
{A} had the {adj} {noun} again. / In the evening, {A} was home again. / {A} and the {bird} became friends.
"""
BIRD_BAD = """
The {bird} ate the {food}, but it kept the {noun}. / The {bird} took the {food} too and flew away.
{A} never saw the {adj} {noun} again. / {A} went home with nothing.
"""
BIRD_FACTS = """
Q: Who took the {noun}? | The {bird}.
Q: What did the {bird} eat? | The {food}.
Q: Where did the {bird} go? | To {place2}.
"""

GIFT = """
{His} friend {B} the {bkind} had a birthday. / It was the birthday of {his} friend {B} the {bkind}.
"I will give {B} my {noun}," said {A}. / {A} wanted to give {B} the {noun}.
{He} put the {adj} {noun} in a box and hid it {spot1}. / {He} hid the {noun} {spot1}.
When {B} came, {A} said, "There is something for you. Can you find it?"
{B} looked {spot2}, but there was nothing. / First {b_he} looked {spot2}, but there was nothing.
"""
GIFT_HAPPY = """
Then {b_he} looked {spot1} and found the {adj} {noun}.
"[Happy birthday|This is for you], {B}!" said {A}.
Now the {noun} belonged to {B}. / {B} was so happy that {b_he} danced. / {B} loved the {noun} and hugged {A}.
Then they ate {food} together. / They played until it was dark.
"""
GIFT_BAD = """
Then {b_he} went home. "I do not like this game," said {B}. / {B} never found it. {B_He} was angry and went home.
{A} sat alone and cried. / {A} had no friend any more.
"""
GIFT_FACTS = """
Q: Who had a birthday? | {B}.
Q: Where was the {noun} hidden? | {Spot1}.
Q: Who has the {noun} now? | {B}.
"""

TREE = """
One [windy|sunny|cold] day, {A} played with it near {place2}. / One [windy|sunny|cold] day, {A} took the {noun} to {place2}.
The wind blew the {noun} up into a tall tree. / A strong wind came, and the {noun} flew into a tree.
{A} jumped, but the tree was too tall. / {A} tried to climb, but {he} was too small.
Then {B} the {bkind} came by. / {His} friend {B} the {bkind} came by.
"[Can you help me|Please help me], {B}?" asked {A}. / "My {noun} is in the tree," said {A}.
"""
TREE_HAPPY = """
{B} climbed the tree and got the {adj} {noun}. / {B} shook the tree until the {adj} {noun} fell down.
{B_He} gave it to {A}. / "Here is your {noun}," said {B}.
"You are a good friend," said {A}. / {A} thanked {B}.
Then they went home together. / Then {A} and {B} had some {food} together.
"""
TREE_BAD = """
{B} climbed the tree, but {b_he} fell down and got hurt. / {B} laughed at {A} and walked away.
The {adj} {noun} stayed in the tree for ever. / {A} went home without the {noun}.
"""
TREE_FACTS = """
Q: Where was the {noun}? | In the tree.
Q: Who got the {noun}? | {B}.
Q: Who helped {A}? | {B}.
"""

BUY = """
There was one in the shop of the {worker}, but {A} had no money. / The {worker} had one, but {A} could not pay for it.
"How can I get the {noun}?" asked {A}. / "Can I work for you?" {A} asked the {worker}.
"You can [work for me|help me]," said the {worker}.
So {A} carried [water|wood|boxes] for {n} days. / For {n} days, {A} swept the floor for the {worker}.
{He} worked very hard. / Every evening {he} was tired.
"""
BUY_HAPPY = """
Then the {worker} gave {him} the {adj} {noun}. / "You worked well," said the {worker}. "Here is your {noun}."
{A} ran home and showed the {noun} to {his} {elder}. / {A} was very proud.
From then on, {A} had {his} own {adj} {noun}. / {He} played with the {adj} {noun} every day.
"""
BUY_BAD = """
But the {worker} gave {him} nothing. / Then the {worker} sold the {adj} {noun} to {B}.
{A} went home with empty hands and cried. / {A} never got the {noun}.
"""
BUY_FACTS = """
Q: What did {A} want? | {A_adj} {noun}.
Q: How many days did {A} work? | {N} days.
Q: Who gave {A} the {noun}? | The {worker}.
"""

MAKE = """
"I will make one," said {A}. / So {A} decided to make one.
{He} went to {place2} and looked for [wood|wool|paper]. / {He} asked {his} {elder} for [wood|wool|paper].
But it was hard to do alone. / {He} tried all day, but {he} could not do it alone.
Then {B} the {bkind} came by. "I will help you," said {B}. / {His} friend {B} the {bkind} came by. "We can do it together," said {B}.
"""
MAKE_HAPPY = """
They worked for {n} days. / They worked until evening.
Then the {adj} {noun} was ready. / At last the {adj} {noun} was ready.
"We made it!" said {A}. / "It is beautiful," said {B}.
They showed the {noun} to {his} {elder}. / They played with the {noun} near {place}.
"""
MAKE_BAD = """
But {B} broke everything by mistake. / But they began to fight, and everything broke.
{A} never had {a_adj} {noun}. / {A} was angry and went home alone.
"""
MAKE_FACTS = """
Q: What did {A} want? | {A_adj} {noun}.
Q: Who helped {A}? | {B}.
"""

CARRY = """
One [morning|day|afternoon], {his} {elder} said, "Please take the {noun} to {B} near {place2}." / "Take the {noun} to {B} near {place2}," said {his} {elder} one [morning|day].
So {A} went to {place2} with the {noun}. / {A} took the {adj} {noun} and walked to {place2}.
On the way, {he} met a {worker}. "Where are you going?" asked the {worker}.
"I am going to {place2}," said {A}. "This {noun} is for {B}." / "I am going to {B}," said {A}.
"""
CARRY_HAPPY = """
At last {A} came to {place2}. / Soon {he} saw {place2}.
There {he} met {B} and gave {b_him} the {adj} {noun}. / {He} gave the {adj} {noun} to {B}.
"Thank you, {A}," said {B}. "Have some {food}." / {B} thanked {him} and gave {him} some {food}.
Then {A} went home to {his} {elder}. / In the evening, {A} was home again.
"""
CARRY_BAD = """
But {A} lost the {noun} on the way. / But {A} lost {his} way in the dark.
{B} waited and waited, but {A} never came. / {His} {elder} was very angry, and {A} cried.
"""
CARRY_FACTS = """
Q: Who has the {noun} now? | {B}.
Q: Where did {A} go? | To {place2}.
Q: Who did {A} meet on the way? | A {worker}.
Q: What did {B} give {A}? | Some {food}.
"""

COUNT = """
One day, {A} looked for {fruits} near {place2}. / One day, {A} went to {place2} to look for {fruits}.
{He} found {n} {fruits}. "{Counting}," {he} counted. / There {he} found {n} {fruits}. "{Counting}!" said {A}.
{A} put the {n} {fruits} next to the {adj} {noun}. / {A} was very happy.
Then {B} the {bkind} came by. "I have no {fruits}," said {B}. / On the way home, {A} met {B} the {bkind}. {B} had no {fruits}.
"""
COUNT_HAPPY = """
So {A} gave {B} {k} {fruits}. Now {A} had {left}. / "Take {k}," said {A}. Now {A} had {left}.
"Thank you, {A}," said {B}.
They sat down and ate. / They went home together. / "Sharing is good," said {A}.
"""
COUNT_BAD = """
{B} took all {n} {fruits} and ran away. / They had a fight, and all the {fruits} fell into the mud.
Now {A} had no {fruits} at all. / {A} went home hungry and sad.
"""
COUNT_FACTS = """
Q: How many {fruits} did {A} find? | {N}.
Q: How many {fruits} did {A} give to {B}? | {K}.
Q: How many {fruits} did {A} have at the end? | {Left}.
"""

NIGHT = """
One night, {A} heard a [strange|loud|soft] noise {spot1}. / One night, there was a [strange|loud|soft] noise {spot1}.
{A} was afraid and held the {noun}. / "What is that?" asked {A}. {He} was afraid.
{He} woke {his} {elder}. / {He} ran to {his} {elder}.
Together they took a lamp and looked {spot1}. / "Let us look," said {his} {elder}. They looked {spot1}.
"""
NIGHT_HAPPY = """
There sat a little {bkind}. "I am {B}," said the {bkind}. "I am cold." / There they found a little {bkind} named {B}.
{A} gave {B} some {food}. / {A} let {B} sleep next to the {adj} {noun}.
{A} was not afraid any more. / Now {A} had a new friend. / In the morning, {A} and {B} played with the {noun}.
"""
NIGHT_BAD = """
Suddenly the light went out, and the {adj} {noun} was gone. / There was nobody, but the noise came back every night.
{A} never slept well again. / {A} was afraid for ever.
"""
NIGHT_FACTS = """
Q: Where was the noise? | {Spot1}.
Q: Who was there? | {B}.
Q: Who did {A} wake? | {His} {elder}.
"""

RIVER = """
One [hot|cold|rainy] day, {A} played with the {noun} near the water. / One [hot|cold|rainy] day, {A} walked along the water with the {noun}.
The {noun} fell in and floated away. / The {noun} slipped and fell into the water.
"Help!" cried {A}. "My {noun}!" / {A} ran after it, but the water was too fast.
{B} the {bkind} was standing near {place2}. {B_He} heard {A}. / A little {bkind} named {B} saw it from {place2}.
"""
RIVER_HAPPY = """
{B} jumped in and caught the {adj} {noun}. / {B} took a long stick and pulled the {adj} {noun} out.
{B_He} gave it back to {A}. / "Here is your {noun}," said {B}. "It is very wet."
They put the {noun} in the sun to dry. / {A} dried the {noun} and thanked {B}.
Then they ate some {food} together. / After that, {A} stayed away from the water. / After that, they often played together.
"""
RIVER_BAD = """
{B} jumped in, but {b_he} was too late. / {B} only watched and did not help.
The {adj} {noun} was gone for ever, and {A} cried. / {A} went home wet, cold and sad.
"""
RIVER_FACTS = """
Q: What fell into the water? | The {adj} {noun}.
Q: Who got the {noun} out? | {B}.
Q: Where was {B}? | Near {place2}.
"""


def _facts(text: str) -> list:
    lines = [line.removeprefix("Q:").split("|") for line in (COMMON_FACTS + text).strip().splitlines() if line.strip()]
    return [(parse_template(question.strip()), parse_template(answer.strip())) for question, answer in lines]


def _plot(name: str, opening: str, middle: str, happy: str, bad: str, facts: str) -> Plot:
    return Plot(name, parse_slots(opening), parse_slots(middle), parse_slots(happy), parse_slots(bad), _facts(facts))


PLOTS = [
    _plot("lost", HAS, LOST, LOST_HAPPY, LOST_BAD, LOST_FACTS),
    _plot("share", HAS, SHARE, SHARE_HAPPY, SHARE_BAD, SHARE_FACTS),
    _plot("trade", HAS, TRADE, TRADE_HAPPY, TRADE_BAD, TRADE_FACTS),
    _plot("broken", HAS, BROKEN, BROKEN_HAPPY, BROKEN_BAD, BROKEN_FACTS),
    _plot("bird", HAS, BIRD, BIRD_HAPPY, BIRD_BAD, BIRD_FACTS),
    _plot("gift", HAS, GIFT, GIFT_HAPPY, GIFT_BAD, GIFT_FACTS),
    _plot("tree", HAS, TREE, TREE_HAPPY, TREE_BAD, TREE_FACTS),
    _plot("buy", WANTS, BUY, BUY_HAPPY, BUY_BAD, BUY_FACTS),
    _plot("make", WANTS, MAKE, MAKE_HAPPY, MAKE_BAD, MAKE_FACTS),
    _plot("carry", HAS, CARRY, CARRY_HAPPY, CARRY_BAD, CARRY_FACTS),
    _plot("count", HAS, COUNT, COUNT_HAPPY, COUNT_BAD, COUNT_FACTS),
    _plot("night", HAS, NIGHT, NIGHT_HAPPY, NIGHT_BAD, NIGHT_FACTS),
    _plot("river", HAS, RIVER, RIVER_HAPPY, RIVER_BAD, RIVER_FACTS),
]
