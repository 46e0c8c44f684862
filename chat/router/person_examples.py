"""How customers ask for a person, and what sounds like it and is not."""

from chat.router.prototypes import Prototypes

ASKING = Prototypes(
    (
        "I want to talk to a human",
        "can I speak with a real person please",
        "connect me to an agent",
        "put me through to an operator",
        "transfer me to a representative",
        "I need to chat with a live agent",
        "let me speak to somebody",
        "is there a person I can talk to",
        "how can I talk to someone",
        "help me contact an assistant",
        "stop, I don't want to talk to a robot",
        "useless bot, get me someone",
        "you are not helpful, I want a human",
        "you don't understand me, I want to speak to an operator",
        "this chatbot is rubbish, give me a member of staff",
        "can somebody from your team call me back",
        "I'd rather deal with a person",
        "can I have an adviser instead of a machine",
        "get me your manager",
        "is anybody real there",
        "human please",
        "live chat with an agent",
        "speak to an advisor",
        "hand me over to a colleague",
    )
)
NOT_ASKING = Prototypes(
    (
        "what is your customer service phone number",
        "when is customer support open",
        "what are the opening hours of your help line",
        "how do I contact customer service by email",
        "which number do I ring for help",
        "where can I write to you",
        "can someone else use my account",
        "can another person collect my parcel",
        "how do I add a person to my account",
        "can I send money to somebody",
        "I want to file a complaint",
        "I need help with my order",
        "someone used my card",
        "can I talk about my order",
        "can you help me with a problem",
        "who is the account holder",
        "I need help cancelling my purchase",
        "can an agent sell my house",
        "I need help to switch to another account",
        "I want to make a claim",
        "do you deliver to somebody else",
        "how do I change my contact details",
    )
)
_STRONG = "speak speaking talk talking chat chatting connect contact contacting transfer reach"
_WEAK = """connecting reaching call calling get give put want need rather prefer message ring hand pass have"""
_PERSONS = """human humans person agent operator representative rep adviser advisor assistant someone somebody anyone
anybody people colleague manager supervisor staff"""
_BETWEEN = """to with a an the your one real live actual me my in on through over touch of from for please just some any
another customer support service services member human bloody goddamn damn fucking freaking proper somebody
someone now team staff i can be put us chat by via"""

STRONG_VERBS = frozenset(_STRONG.split())
VERBS = STRONG_VERBS.union(_WEAK.split())
PERSONS = frozenset(_PERSONS.split())
STRONG_PERSONS = frozenset({"human", "humans", "operator", "representative"})
# What may stand between "talk" and "person".
BETWEEN = frozenset(_BETWEEN.split())
