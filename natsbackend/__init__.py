"""NATS as the whole backend of a web application, from one YAML file.

text ─compose─▶ Node ─validate─▶ Spec ─resolve─▶ Backend ─build─▶ Claims ─sign─▶ Bundle ─push─▶ Outcome

Each arrow is a function that returns a frozen value; time and keys are arguments. `docs/architecture.md` is the map.
"""

__version__ = "0.1.0"
