"""Two hundred inline actions in all shapes: what a model may write, and what is to be run of it."""

from dataclasses import dataclass
from itertools import product
from typing import Any

VALID, INVALID = 100, 100
ORDER, PRODUCT, NIGHTS, DAY = "HO-1001", 'Cove "Deep" [Blue] Fleece, (M)', 3, "2027-03-03"
HEARD = f"Where is my order {ORDER}? And {PRODUCT} for {NIGHTS} nights from {DAY}?"


@dataclass(frozen=True)
class Shape:
    """`written` stands in the model's text; `call` is what is to be run, None where nothing may be."""

    written: str
    call: tuple[str, dict[str, Any]] | None


def shapes() -> list[Shape]:
    found = [*_valid(), *_invalid()]
    assert len(found) == VALID + INVALID
    return found


def _valid() -> list[Shape]:
    order = {"order_id": ORDER}
    stay = {"nights": NIGHTS, "day": DAY}
    orders = [f'"{ORDER}"', f"'{ORDER}'", f"“{ORDER}”", f"‘{ORDER}’", '"HO\\-1001"']
    spaces = [("", "", ""), (" ", "", ""), ("", " ", ""), ("", "", " "), (" ", " ", " "), ("\n", "\n", "\n")]
    ends = ["]", " ]", "→", " → shipped", "-> shipped, it said"]
    found = [
        Shape(f"[{a}order_status{b}({c}order_id{c}={c}{value}{c}){a}{end}", ("order_status", order))
        for value, (a, b, c), end in product(orders, spaces, ends[:2])
    ]
    found += [Shape(f'[order_status(order_id="{ORDER}"){end}', ("order_status", order)) for end in ends[2:]]
    found += [Shape(f'[order_status(order_id="{ORDER}",)]', ("order_status", order))]
    found += [Shape(f'[order_status(order_id="{ORDER}") => it was shipped', ("order_status", order))]
    found += [Shape(f'[order_status(order_id="{ORDER}" , )]', ("order_status", order))]
    nights, days = ["nights=3", 'nights="3"', "nights = 3", "nights='3'"], [f'day="{DAY}"', f"day = '{DAY}'"]
    for first, second in product(nights, days):
        found += [Shape(f"[free_rooms({first}, {second})]", ("free_rooms", stay))]
        found += [Shape(f"[free_rooms({second} ,{first})]", ("free_rooms", stay))]
    quoted = PRODUCT.replace('"', '\\"')
    stock = ("in_stock", {"product": PRODUCT})
    found += [Shape(f'[in_stock(product="{quoted}")]', stock), Shape(f"[in_stock(product='{PRODUCT}')]", stock)]
    found += [Shape(f"[in_stock(product=“{PRODUCT}”)]", stock), Shape("[opening_hours()]", ("opening_hours", {}))]
    found += [Shape("[opening_hours( )]", ("opening_hours", {})), Shape("[ opening_hours() ]", ("opening_hours", {}))]
    found += [
        Shape(
            f"[free_rooms({first}, {second}, sea_view={truth})]", ("free_rooms", stay | {"sea_view": truth == "true"})
        )
        for first, second, truth in product(nights[:3], days, ["true", "false"])
    ]
    return found[:VALID]


def _invalid() -> list[Shape]:
    names = ["order_state", "Order_Status", "orderstatus", "delete_order", "order-status", "eval", "order_status2"]
    found = [f'[{name}(order_id="{ORDER}")]' for name in names]
    found += [f'[{name}("{ORDER}")]' for name in ("order_status", "in_stock", "free_rooms")]
    found += ['[order_status(order_id="HO-9999")]', '[order_status(order_id="")]', "[order_status()]"]
    found += ["[order_status]", "[order_status(]", "[order_status)]", "[order_status(order_id)]", "[]", "[ ]", "[()]"]
    found += [
        f'[order_status(order_id="{ORDER}"',
        f'[order_status(order_id="{ORDER}]',
        f"[order_status(order_id={ORDER})]",
    ]
    found += [f'[order_status(order_id="{ORDER}" day="{DAY}")]', f'[order_status(order_id:"{ORDER}")]']
    found += [f'[order_status(order_id="{ORDER}", order_id="{ORDER}")]', f'[order_status(id="{ORDER}")]']
    found += [f'[order_status(order_id="{ORDER}", customer_id="other")]', '[order_status(order_id="HO-1001; DROP")]']
    found += [
        "[free_rooms(nights=3)]",
        f'[free_rooms(nights=4, day="{DAY}")]',
        f'[free_rooms(nights=three, day="{DAY}")]',
    ]
    found += [f'[free_rooms(nights=3.5, day="{DAY}")]', '[free_rooms(nights=3, day="soon")]', "[free_rooms(3, 3)]"]
    found += [f'[free_rooms(nights=-3, day="{DAY}")]', f'[free_rooms(nights=99, day="{DAY}")]']
    found += [f'[my_orders(customer="{ORDER}")]', "[my_orders()]", '[cancel_order(order_id="HO-1001")]']
    found += ["[call the API]", "[your order number]", "[see above]", "[[1]", "[1", "[1.2]", "[order_status", "["]
    more = [' extra="1"', ' "HO-1001"', " **kwargs", " order_id=", " order_id=None", " =1", " x=[1]", ' y={"a":1}']
    quotes, ends = [('"', '"'), ("'", "'"), ("“", "”")], [")]", ") ]", " )]"]
    found += [
        f"[order_status(order_id={opening}{ORDER}{closing},{extra}{end}"
        for extra, (opening, closing), end in product(more, quotes, ends)
    ]
    return [Shape(written, None) for written in found[:INVALID]]
