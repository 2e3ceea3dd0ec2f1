"""Words of the story grammar. Every class is a fixed, ordered list: its order decides nothing but the random draw."""

GIRLS = """Ada Amy Anna Bella Beth Cara Clara Dora Ella Emma Erin Eva Fay Fiona Flora Freya Gina Grace Greta Hana Hazel
Heidi Helen Holly Ida Ina Iris Ivy Jana Jane Jill Josie Julia June Kara Kate Kim Kira Lara Laura Lena Lily Lina Lisa Lola
Lucy Luna Mara Maya Mia Mila Molly Mona Nadia Nell Nina Nora Olga Olive Pam Paula Pearl Penny Petra Pia Polly Rita Robin
Rosa Ruby Ruth Sally Sara Selma Sofia Stella Sue Tara Tess Thea Tilly Tina Uma Vera Wanda Wendy Willa Yuna Zara Zoe""".split()

BOYS = """Abel Adam Alan Alex Arlo Arno Axel Bart Basil Ben Bill Boris Bruno Carl Cody Dan Dave Dean Denis Eddy Eli Emil
Eric Ethan Felix Finn Frank Fred Gabe Gary George Gus Hal Hans Harry Henry Hugo Ian Igor Ivan Jack Jake James Jay Jim Joe
John Jon Karl Ken Kevin Kurt Lars Leo Levi Liam Luca Luke Marc Mark Martin Max Milo Neil Nick Noah Odin Olaf Oscar Otto
Owen Paul Pete Philip Quinn Ralph Ray Rob Ross Rudy Sam Sean Simon Steve Ted Theo Tim Toby Tom Tony Victor Walt Will Yuri
Zach""".split()

KINDS = """girl boy fox rabbit mouse bear hedgehog squirrel badger otter owl duck frog cat dog goat lamb pony mole beaver
goose turtle pig hen""".split()

ADJECTIVES = """red blue green yellow white black brown golden silver purple orange pink old new big tiny round shiny soft
wooden striped warm""".split()

THINGS = """kite ball drum doll boat bell book hat scarf lamp cup spoon basket blanket ring coin key map flute whistle
puppet puzzle wagon sled rope ladder bucket brush pencil button ribbon shell stone feather bottle box bag pot kettle
mirror candle lantern umbrella mitten glove sock shoe boot coat cape crown mask medal flag balloon top marble rattle
trumpet violin guitar harp horn clock watch compass telescope whisk teapot plate bowl pillow cushion quilt rug chair stool
bench broom shovel rake hammer saw nail wheel cart scooter bicycle train truck plane rocket robot magnet spinner yo-yo
card letter stamp painting picture notebook crayon chalk eraser ruler bead necklace bracelet pin brooch fan purse wallet
jar tin barrel net hook paddle oar anchor sail tent backpack""".split()

PLACES = ["the " + place for place in """mill river lake forest hill castle market village school farm barn garden bridge
meadow beach harbor tower well church station library bakery park pond cave valley mountain orchard field road
lighthouse island windmill stable fountain town gate wall swamp waterfall desert canyon quarry inn palace fair museum
theater hospital factory square cottage crossroads""".split()]

SPOTS = """under the bed|under the table|under the stairs|under the bush|under the leaves|behind the door|behind the sofa|
behind the shed|behind the tree|behind the curtain|behind the fence|in the drawer|in the kitchen|in the attic|in the cellar|
in the tall grass|in the sandbox|in the closet|in the hay|in the mud|on the shelf|on the roof|on the porch|on the window sill|
on top of the wardrobe|next to the stove|next to the gate post|beside the path|inside the hollow log|
inside the toy chest""".replace("\n", "").split("|")

ELDERS = ["grandmother", "grandfather", "mother", "father", "aunt", "uncle"]
FEMALE_ELDERS = {"grandmother", "mother", "aunt"}

FOODS = """bread cake soup honey cheese pie porridge milk tea jam pudding toast rice butter pancakes cookies noodles salad
stew popcorn""".split()

FRUITS = """apples pears plums nuts berries cherries eggs flowers mushrooms lemons acorns carrots potatoes peaches turnips
tomatoes""".split()

NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]

WORKERS = """baker farmer miller sailor tailor painter doctor teacher gardener fisherman shepherd cook carpenter
blacksmith postman""".split()

BIRDS = ["crow", "magpie", "raven", "jay", "gull"]

FEMALE = frozenset(GIRLS)


def article(word: str) -> str:
    """The indefinite article before `word`; the lexicon has no silent h and no 'you'-sounding u."""
    return "an" if word[0] in "aeio" or word == "umbrella" else "a"
