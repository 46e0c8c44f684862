"""A railway that no demo knows: its own HTTP API, and the actions by which a bot sells and changes tickets."""

from typing import Any

from tests.chat.plain_api import Answered, action, choices_from

STATIONS = {
    "LDS": "Leeds", "YRK": "York", "HGT": "Harrogate", "SKI": "Skipton", "DHM": "Durham", "NCL": "Newcastle",
    "WTB": "Whitby", "SET": "Settle",
}  # fmt: skip
TRAINS = (("07:42", 31.0, 0), ("10:15", 18.5, 0), ("13:30", 16.0, 1), ("18:05", 27.4, 0))
BOOKINGS = {
    "P-100": [("B-7001", "YRK", "LDS", "2027-03-12", "10:15"), ("B-7002", "LDS", "WTB", "2027-03-20", "07:42")],
    "P-200": [("B-7003", "DHM", "YRK", "2027-04-05", "13:30")],
}
PEOPLE = {
    "P-100": {"name": "Ada Firth", "email": "ada@mail.example"},
    "P-200": {"name": "Ben Hall", "email": ""},
}
FAQS = (
    "question,answer\n"
    "Can I take my dog on the train?,Two dogs for each passenger travel free of charge on all our trains.\n"
    "Where do I find lost property?,Lost property is kept at Leeds station for three months.\n"
    "Is there wi-fi on board?,All our trains have free wi-fi.\n"
)


def _station(name: str, prompt: str) -> dict[str, Any]:
    found = choices_from("list_stations", "$.stations[*]", "$.code", "{{ item.name }}")
    return {"name": name, **found, "description": "A station", "prompt": prompt}


FROM, TO = _station("from_station", "Where do you travel from?"), _station("to_station", "Where to?")
DAY = {"name": "day", "type": "date", "required": True, "prompt": "On which day?"}
TRAIN_LABEL = "{{ item.departs }}, {{ item.price | money('GBP') }}, {{ '1 change' if item.changes else 'direct' }}"
TRAIN = {
    "name": "train",
    **choices_from("find_trains", "$.trains[*]", "$.id", TRAIN_LABEL,
          from_station="from_station", to_station="to_station", day="day"),
    "in": "body", "prompt": "Which train?",
}  # fmt: skip
MINE = {"name": "passenger", "in": "path", "source": "customer.sub"}
BOOKING_LABEL = "{{ item.from_name }} to {{ item.to_name }}, {{ item.day | date }}, {{ item.departs }}"
BOOKING = {
    "name": "booking",
    **choices_from("my_bookings", "$.bookings[*]", "$.id", BOOKING_LABEL),
    "in": "path", "prompt": "Which booking?",
}  # fmt: skip


def _body(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**parameter, "in": "body"}


ACTIONS = [
    action("list_stations", "Our stations", "/stations", [],
            "We stop at {{ response.stations | map(attribute='name') | join(', ') }}.",
            "which stations do you serve", "where do your trains stop"),
    action("find_trains", "Trains on a day", "/trains", [FROM, TO, DAY],
            "{% for train in response.trains %}- {{ train.departs }}, {{ train.price | money('GBP') }}\n{% endfor %}",
            "Which trains go from Leeds to York on Friday?", "what trains are there to Whitby tomorrow",
            "train times from Durham to Newcastle", "when is the next train to Skipton"),
    action("my_bookings", "My bookings", "/passengers/{passenger}/bookings", [MINE],
            "{% for it in response.bookings %}- {{ it.id }}: {{ it.from_name }} to {{ it.to_name }}\n{% endfor %}",
            "show me my bookings", "which tickets have I booked"),
    action("book_ticket", "Book a ticket", "/passengers/{passenger}/bookings",
            [MINE, _body(FROM), _body(TO), _body(DAY), TRAIN,
             {"name": "travel_class", "in": "body", "required": True, "prompt": "Standard or first class?",
              "choices": [{"value": "standard", "label": "Standard"}, {"value": "first", "label": "First class"}]},
             {"name": "passengers", "in": "body", "type": "integer", "required": True, "minimum": 1, "maximum": 9,
              "description": "How many people travel", "prompt": "For how many people?"}],
            "Your booking {{ response.id }} is made.", "I would like to book a ticket", "book a train to York",
            "buy a ticket from Leeds to Durham", "I need to be in Settle on Monday, can I get a ticket?",
            "ticket to Whitby please", method="POST"),
    action("cancel_booking", "Cancel a booking", "/passengers/{passenger}/bookings/{booking}", [MINE, BOOKING],
            "Your booking {{ arguments.booking }} is cancelled.", "cancel my booking", "I want to cancel my ticket",
            "I cannot travel, cancel the trip to York", method="DELETE"),
    action("move_booking", "Move a booking to another train", "/passengers/{passenger}/bookings/{booking}/train",
            [MINE, BOOKING, _body(DAY),
             {"name": "train",
              **choices_from("trains_for_booking", "$.trains[*]", "$.id", TRAIN_LABEL, booking="booking", day="day"),
              "in": "body", "prompt": "Which train?"}],
            "Your booking {{ arguments.booking }} is now for {{ arguments.train }}.",
            "can I change my booking to another train", "move my ticket to a later train",
            "I want to travel on another day", method="PUT"),
    action("trains_for_booking", "Trains for a booking", "/passengers/{passenger}/bookings/{booking}/trains",
            [MINE, {"name": "booking", "in": "path", "required": True}, DAY], "{{ response.trains | length }} trains."),
    action("delay_refund", "Money back for a late train", "/passengers/{passenger}/refunds",
            [MINE, _body(BOOKING),
             {"name": "minutes_late", "in": "body", "type": "integer", "required": True, "minimum": 15, "maximum": 600,
              "description": "How many minutes late the train was", "prompt": "How many minutes late was it?"},
             {"name": "email", "in": "body", "required": True, "format": "email", "fallback": "customer.email",
              "prompt": "Where can we write to you?"}],
            "You will hear from us at {{ arguments.email }}.", "my train was late, I want my money back",
            "claim a refund for a delayed train", "compensation for a delay", method="POST"),
]  # fmt: skip


def answer(method: str, path: list[str], query: dict[str, str], body: Any) -> Answered:
    """What the railway's API says."""
    if method != "GET":
        return 200, {"id": "B-9000"}
    match path:
        case ["stations"]:
            return 200, {"stations": [{"code": code, "name": name} for code, name in STATIONS.items()]}
        case ["trains"]:
            return _trains(query["from_station"], query["to_station"], query["day"])
        case ["passengers", passenger, "bookings"]:
            return 200, {"bookings": [_booking(*row) for row in BOOKINGS.get(passenger, [])]}
        case ["passengers", passenger, "bookings", number, "trains"]:
            row = next((row for row in BOOKINGS.get(passenger, []) if row[0] == number), None)
            return _trains(row[1], row[2], query["day"]) if row else (404, {"message": "No such booking."})
    return 404, {"message": "There is nothing here."}


def _trains(start: str, end: str, day: str) -> Answered:
    if start not in STATIONS or end not in STATIONS or start == end:
        return 422, {"message": "There are no such trains."}
    trains = [
        {"id": f"{start}{end}-{time.replace(':', '')}", "departs": time, "price": price, "changes": changes}
        for time, price, changes in TRAINS
    ]
    return 200, {"day": day, "trains": trains}


def _booking(number: str, start: str, end: str, day: str, departs: str) -> dict[str, Any]:
    return {"id": number, "from_name": STATIONS[start], "to_name": STATIONS[end], "day": day, "departs": departs}
