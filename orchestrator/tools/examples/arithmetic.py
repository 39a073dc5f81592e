"""Four functions for `caisson run --tools`: the model may call them from its code."""


def add(a: int, b: int) -> int:
    """Return the sum of two numbers."""
    return a + b


def subtract(a: int, b: int) -> int:
    """Return the first number less the second."""
    return a - b


def multiply(a: int, b: int) -> int:
    """Return the product of two numbers."""
    return a * b


def divide(a: int, b: int) -> float:
    """Return the quotient of two numbers; dividing by zero raises ZeroDivisionError."""
    return a / b
