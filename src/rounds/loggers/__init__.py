"""What happens in a training, written for the tools that teams look at: TensorBoard, MLflow, W&B, CSV files.

Events of the job go in (events.py), files of each tool come out; a new tool is one class with five methods (logger.py)
and a line in the table of open.py. Nothing of a single patient is handed on.

Read first: logger.py.
"""
