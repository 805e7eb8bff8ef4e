"""Checkpoints of PyTorch, read without PyTorch and without running what they contain.

A checkpoint is a pickle, a program that ``torch.load`` runs. :mod:`.pickle_machine` interprets its
opcodes and can make nothing but plain data and records of tensors (:mod:`.pickle_values`);
:mod:`.zip_file` and :mod:`.legacy_file` find the numbers; :mod:`.state_dict` finds the weights
among everything else that was saved; :mod:`.checkpoint` is the reader.
"""
