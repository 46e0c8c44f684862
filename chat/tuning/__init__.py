"""A bot's own adapter on the shared model: what it is trained on, training, the gate, versions, publishing."""
