"""The shop's products with their live stock: read from products.json, kept in memory, changed by reservations."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA: dict[str, Any] = json.loads(Path(__file__).with_name("products.json").read_text(encoding="utf-8"))

CURRENCY: str = _DATA["currency"]
CATEGORIES: dict[str, str] = _DATA["categories"]
ONE_SIZE = "one-size"


@dataclass(frozen=True)
class Colour:
    id: str
    label: str
    hex: str
    family: str  # what else the colour is called


@dataclass(frozen=True)
class Product:
    id: str
    name: str
    category: str
    price: float
    shape: str
    description: str
    specs: dict[str, str]
    waterproof: bool
    sizes: tuple[str, ...]
    colours: tuple[Colour, ...]
    stock: dict[str, dict[str, int]]  # colour, then size; the only part that changes while the shop is open

    def sizes_in_stock(self) -> list[str]:
        return [size for size in self.sizes if any(by_size[size] for by_size in self.stock.values())]

    def total(self) -> int:
        return sum(sum(by_size.values()) for by_size in self.stock.values())


@dataclass(frozen=True)
class Wanted:
    """What a search asks for; None means that anything will do."""

    category: str | None = None
    max_price: float | None = None
    size: str | None = None
    colour: str | None = None
    waterproof: bool | None = None


class SoldOut(Exception):
    """There is none left of the wanted colour and size."""


def _products() -> Iterator[Product]:
    for row in _DATA["products"]:
        colours = tuple(Colour(id=key, **_DATA["colours"][key]) for key in row["stock"])
        yield Product(**{**row, "sizes": tuple(row["sizes"]), "colours": colours})


PRODUCTS: dict[str, Product] = {product.id: product for product in _products()}


def search(wanted: Wanted) -> list[Product]:
    """The products that match, cheapest first."""
    found = [product for product in PRODUCTS.values() if _matches(product, wanted)]
    return sorted(found, key=lambda product: (product.price, product.name))


def match_size(product: Product, words: str) -> str | None:
    """The product's size that these words name; every word names the size of a product that has only one."""
    if product.sizes == (ONE_SIZE,):
        return ONE_SIZE
    wanted = words.strip().casefold()
    return next((size for size in product.sizes if size.casefold() == wanted), None)


def match_colour(product: Product, words: str) -> Colour | None:
    wanted = words.strip().casefold().replace(" ", "-")
    return next((colour for colour in product.colours if colour.id == wanted), None)


def set_stock(product: Product, colour: Colour, size: str, quantity: int) -> None:
    product.stock[colour.id][size] = quantity


def take_one(product: Product, colour: Colour, size: str) -> None:
    if not product.stock[colour.id][size]:
        raise SoldOut
    product.stock[colour.id][size] -= 1


def size_label(size: str) -> str:
    return "one size" if size == ONE_SIZE else size


def _matches(product: Product, wanted: Wanted) -> bool:
    if wanted.category is not None and product.category != wanted.category:
        return False
    if wanted.max_price is not None and product.price > wanted.max_price:
        return False
    if wanted.size is not None and match_size(product, wanted.size) is None:
        return False
    if wanted.colour is not None and match_colour(product, wanted.colour) is None:
        return False
    return wanted.waterproof is None or product.waterproof == wanted.waterproof
