"""What can be found out beside a trace: questions, answers, and arithmetic on traces alone.

A question is a small frozen dataclass that names a query and what is asked about it; its answer is
frozen as well. Answers that need the engine are made in ``rnnviz.explore``.
"""
