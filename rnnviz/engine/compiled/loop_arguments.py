"""The arguments of the compiled loops: sizes, and arrays by their addresses.

A row of states has H_padded numbers and a row of inputs D_padded: H and D rounded up to whole SIMD
vectors. A row of gates has ``row_width`` numbers, in blocks of H_padded: first x·W of the gates
that do not add h_prev·U to it, then x·W + h_prev·U of the gates that do, then h_prev·U of those
gates that read h but use both products separately. So x·W fills the first blocks, and h_prev·U the
last.
"""

from __future__ import annotations

from typing import NamedTuple

from rnnviz.arrays import Array

#: Arrays of the layer's precision, and arrays of int64: the compiler distinguishes them by name.
FloatArray = Array
IntArray = Array


class BlockLayout(NamedTuple):
    """The sequences of each block; block k has the slots from ``first_slot[k]`` on."""

    steps: int  # T
    batch: int  # B
    slots: int  # of all blocks
    hold_state: int  # 1: a sequence that does not read keeps its state; 0: it has not begun
    sequences: IntArray  # (slots): the sequence in each slot, -1 if none
    token_order: IntArray  # (T): tokens in the order they are read
    first_slot: IntArray  # (blocks)
    sequence_count: IntArray  # (blocks)
    active_count: IntArray  # (blocks, T): the first so many sequences read at this step
    gate_rows: IntArray  # (blocks, T): the first row of gates of a step
    state_rows: IntArray  # (blocks, T + 1): the first row of states before a step
    slot_of_sequence: IntArray  # (B)
    first_entry: IntArray  # (blocks): the number of tokens read in earlier blocks


class LoopFunctions(NamedTuple):
    """The addresses of compiled functions that the loops call.

    What is called by its name is compiled into every caller, and into the callers of those.
    """

    multiply: int
    load_input: int
    load_state: int
    input_gradient: int
    sum_weight_gradients: int
    forward_rows: int  # this and the next: of the cell
    backward_rows: int


class LayerWeights(NamedTuple):
    """The weights of a layer, and its sizes."""

    #: 0 and 1 that the compiler does not know: it would compile a function again for a constant.
    zero: int
    one: int
    H: int
    H_padded: int
    D: int
    D_padded: int
    xw_width: int  # of x·W: the blocks of all gates that read x
    hu_width: int  # of h_prev·U: the blocks of the gates that read h
    hu_start: int  # column of a row of gates where h_prev·U begins
    row_width: int  # of a row of gates
    state_count: int
    multiply: int  # this and the next six: see LoopFunctions
    load_input: int
    load_state: int
    input_gradient: int
    sum_weight_gradients: int
    forward_rows: int
    backward_rows: int
    vector_count: int
    W: FloatArray  # (D, xw_width)
    U: FloatArray  # (H, hu_width)
    W_T: FloatArray  # (xw_width, D_padded)
    U_T: FloatArray  # (hu_width, H_padded)
    bias: FloatArray  # (row_width)
    cell_vectors: FloatArray  # (vectors, H_padded): further trained vectors, such as peepholes


class LoopInput(NamedTuple):
    """The input of a layer, and its dropout masks."""

    #: 1: x are rows of x·W + b, because many tokens are the same word; D_padded is then xw_width.
    x_is_product: int
    x: FloatArray
    x_size: int  # numbers in x
    x_offsets: IntArray  # (T, B): where the input of each token begins in x
    x_groups: int  # 1, or G: the number of masks of x, each for the same number of gates
    h_groups: int
    has_x_masks: int
    has_h_masks: int
    x_masks: FloatArray  # (x_groups, slots, D_padded)
    h_masks: FloatArray  # (h_groups, slots, H_padded)


class SavedValues(NamedTuple):
    """What the forward pass leaves for the backward pass."""

    keep_values: int  # 0: the backward pass needs no values of the steps
    values: FloatArray  # (rows, row_width): saved values of each step, else one step's space
    states: FloatArray  # (states, rows, H_padded)
    state_size: int  # numbers of one state
    boundary_states: FloatArray  # (states, slots, H_padded): initial states; afterwards the last


class Workspace(NamedTuple):
    """Temporary arrays for a few steps, a part for each block."""

    rows: int
    x_rows: FloatArray  # (blocks, x_groups, rows, D_padded)
    h_rows: FloatArray  # (blocks, h_groups, rows, H_padded)
    gates: FloatArray  # (blocks, rows, row_width): gates, in the backward pass their gradients
    products: FloatArray  # (blocks, rows, H_padded or D_padded)
    token_indices: IntArray  # (blocks, rows): t·B + b of each row


class LoopGradients(NamedTuple):
    """What the backward pass reads and computes."""

    output_count: int  # states with a gradient at every step: none, h, or all
    d_outputs: FloatArray  # those gradients; their strides, in numbers:
    state_stride: int
    token_stride: int
    sequence_stride: int
    d_states: FloatArray  # (states, slots, H_padded): of the last states; then of the initial ones
    d_W: FloatArray  # (blocks, D_padded, xw_width)
    d_U: FloatArray  # (blocks, H_padded, hu_width)
    d_b: FloatArray  # (blocks, row_width)
    d_vectors: FloatArray  # (blocks, vectors, H_padded)
    need_x: int
    by_entry: int  # 1: d_x in the order the tokens are read
    words: int  # where x are products of words, and d_x is summed by word: their number; else 0
    d_x: FloatArray  # (entries, D_padded), (T, B, D_padded), or (blocks, words, xw_width)
    d_x_offsets: IntArray  # (entries): where the input of each entry begins in x


class LoopArguments(NamedTuple):
    """The arguments of ``forward``, ``backward`` and ``collect_outputs``."""

    layout: BlockLayout
    weights: LayerWeights
    inputs: LoopInput
    saved: SavedValues
    workspace: Workspace
    gradients: LoopGradients


class SoftmaxArguments(NamedTuple):
    """The arguments of ``softmax_head``: a dense layer, and rows that it reads, in parts.

    F and K, the numbers of features and classes, are padded to whole SIMD vectors. A part has its
    own space for some rows, and its own sums.
    """

    zero: int  # this and the next: numbers the compiler does not know
    one: int
    multiply: int  # the address of the compiled function
    F: int
    F_padded: int
    K: int
    K_padded: int
    features: FloatArray
    offsets: IntArray  # (rows): where the features of each row begin
    classes: IntArray  # (rows): the right ones
    shares: FloatArray  # (rows): of each row's loss in that of the batch
    part_bounds: IntArray  # (parts + 1): the first row of each part
    W: FloatArray  # (F, K_padded)
    W_T: FloatArray  # (K, F_padded)
    bias: FloatArray  # (K_padded); -∞ behind the last class
    no_bias: FloatArray  # (F_padded): zeros
    chunk_rows: int  # rows that are computed at once; whole SIMD vectors
    inputs: FloatArray  # (parts, chunk_rows, F_padded)
    logits: FloatArray  # (parts, chunk_rows, K_padded): and then their gradients
    products: FloatArray  # (parts, chunk_rows, F_padded)
    row_numbers: FloatArray  # (parts, 4, chunk_rows): z of the right class, m, s, share
    d_features: FloatArray
    d_offsets: IntArray  # (rows): where the gradients of each row's features begin
    d_W: FloatArray  # (parts, F_padded, K_padded)
    d_b: FloatArray  # (parts, K_padded)
    loss: FloatArray  # (parts, K_padded): its terms in the lanes of the first vector
    right: IntArray  # (parts): rows whose class has the largest logit


class SumArguments(NamedTuple):
    """The arguments of the sums by word: the uses of all words, divided into parts."""

    one: int  # a number the compiler does not know
    multiply: int  # the address of the compiled function
    width: int
    d: FloatArray  # (uses, width)
    order: IntArray  # (uses): sorted by word
    starts: IntArray  # (words + 1): where the uses of each word begin in that order
    part_bounds: IntArray  # (parts + 1): the first word of each part
    result: FloatArray  # (words, width): the sums, or these times W_T, (words, D_padded)
    # Where d are gradients of words' products with W:
    D_padded: int
    table: FloatArray  # (words, D_padded): the words' embeddings
    W_T: FloatArray  # (width, D_padded)
    d_W: FloatArray  # (parts, D_padded, width)
    chunk_rows: int  # words of a part that are multiplied at once
    chunk_sums: FloatArray  # (parts, chunk_rows, width)
    chunk_products: FloatArray  # (parts, chunk_rows, D_padded)
