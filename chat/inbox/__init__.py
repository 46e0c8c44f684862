"""The inbox: conversations that want a person, and the place to answer them."""
