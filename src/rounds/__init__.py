"""Rounds trains neural networks on patient data, says what is wrong with them, and proves what a remedy was worth."""
