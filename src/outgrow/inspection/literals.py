"""Which words of keys are literals, and which are values of a variable. No I/O.

A word is a literal unless something speaks against it, and `why` of its node says what. One root
and one shape make one pattern: ids of another spelling (seeds among UUIDs) belong to the variable
whose rows are like theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from outgrow.inspection.formats import WORDY, is_name
from outgrow.inspection.keys import FEW_KEYS, KIND, Node
from outgrow.inspection.values import Values, similarity

ALIKE = 0.5
"""From here on two families are one. Measured on generated keyspaces: kinds of documents under one
root have 0.1 to 0.35 in common, variants of one kind 0.55 and more."""

CLOSE = 0.7
"""Documents under only two words must be this similar for the words to be values of a variable."""

_WORD = re.compile(r"[A-Za-z]+[-_.]")
_BY = re.compile(r"(?:by|of|for|per)(?:[A-Z]|[-_.][A-Za-z])")


def resolve_variables(
    node: Node, depth: int = 0, field_names: frozenset[str] | None = None
) -> None:
    """Decide, from here down, what is a literal and what a variable. Afterwards each child is
    either a literal (`why` is empty) or a variable that stands for all its `forms`."""
    field_names_below = _names_of_fields(node) if field_names is None else field_names
    ids = [child for child in node.children.values() if child.is_id]
    if depth:
        ids = [child for child in ids if not child.is_weak]
    nodes = [child for child in node.children.values() if child not in ids]
    variables: list[Node] = []
    for child in sorted(ids, key=lambda c: -c.total):
        if not _absorb_value(child, variables, depth):
            child.why = child.why or "ids of one form"
            variables.append(child)
    if depth:  # seeds and ids typed by hand: of the same rows
        nodes = [w for w in nodes if "<" not in w.label or not _absorb_value(w, variables, depth)]
    literals: list[Node] = []
    for cluster in _clusters(nodes, depth):
        if depth and _are_field_names(cluster, field_names_below):
            literals += cluster
        else:
            _settle_cluster(cluster, variables, literals, depth)
    if depth:
        _absorb_single_words(literals, variables)
    node.children = {f"{n} {c.label}": c for n, c in enumerate([*literals, *variables])}
    for child in [*variables, *literals]:
        node.route.update(dict.fromkeys(child.forms, child))
        if "<word>" in child.label or (len(variables) == 1 and child.why):
            node.rest = child
        resolve_variables(child, depth + 1, field_names_below)
    if all(child is node.rest for form_, child in node.route.items() if "<" in form_):
        node.only = node.rest


def _absorb_value(child: Node, variables: list[Node], depth: int) -> bool:
    """Merge it with the variable that it is a value of, if there is one."""
    for variable in variables:
        if _same_variable(variable, child, depth):
            variable.absorb(child)
            return True
    return False


def _names_of_fields(node: Node) -> frozenset[str]:
    """Return the names of the documents' fields, from here down."""
    names: set[str] = set()
    if node.values is not None and not node.values.is_map:
        names.update(map(str.lower, node.values.fields))
    return frozenset(names.union(*map(_names_of_fields, node.children.values())))


def _are_field_names(nodes: list[Node], fields: frozenset[str]) -> bool:
    """Return whether they are names of indexes, however many: `byEmail`, `byName`, or named as
    fields are."""
    if len(nodes) < 2:
        return False
    tokens = [node.token for node in nodes]
    if all(_BY.match(token) for token in tokens):
        return True
    return len(nodes) > 2 and sum(token.lower() in fields for token in tokens) >= 0.6 * len(tokens)


def _same_variable(variable: Node, other: Node, depth: int) -> bool:
    if depth == 0 or variable.label[0] != other.label[0]:
        # The first segment names the family, where only ids may differ.
        return KIND.sub("<>", variable.label) == KIND.sub("<>", other.label)
    return node_similarity(variable, other) >= ALIKE or _is_named_apart(variable, other)


def _is_named_apart(variable: Node, other: Node) -> bool:
    """Return whether they are kinds of one family, by the word before the id (`twint_<ms>`,
    `qrbill_<ms>`), or its documents, by a word and a number."""
    if (
        variable.values is None
        or other.values is None
        or variable.values.shape != other.values.shape
    ):
        return False
    if variable.values.shape == "document" and other.is_weak and other.is_id:
        return True  # seeds, written with other fields
    names = [_WORD.sub("", node.label[1:]) for node in (variable, other)]
    return names[0] == names[1] and "" not in names


def _clusters(nodes: list[Node], depth: int) -> Iterator[list[Node]]:
    """Return groups of words with similar keys and values under them."""
    heads: list[list[Node]] = []
    for node in sorted(nodes, key=lambda w: (-w.total, w.label)):
        if node.is_collection:
            yield [node]
            continue
        for head in heads[:60]:
            if depth and head[0].label[0] != node.label[0]:
                continue
            if node_similarity(head[0], node) >= ALIKE:
                head.append(node)
                break
        else:
            heads.append([node])
    yield from heads


def _settle_cluster(
    cluster: list[Node], variables: list[Node], literals: list[Node], depth: int
) -> None:
    """Make the words a variable, or literals."""
    first = cluster[0]
    if first.is_collection:
        literals.append(first)
        return
    for variable in variables if depth else ():
        is_same = _are_fields_of_values(cluster) and _same_variable(variable, first, depth)
        if is_same or _are_ids_by_hand(variable, cluster):
            for word in cluster:
                variable.absorb(word)
            return
    why = _why_variable(cluster) if depth else _why_tenants(cluster)
    for variable in variables if why and depth else ():
        is_of_words = "<word>" in variable.label and _end_depths(variable) == _end_depths(first)
        if is_of_words or _same_variable(variable, first, depth):
            for word in cluster:
                variable.absorb(word)
            return
    if not why:
        first_id: Node | None = None
        ids = _choose_ids(cluster, depth)
        for word in sorted(cluster, key=lambda w: not w.is_id):
            if word not in ids:
                literals.append(word)
            elif first_id is None or not depth:
                word.why = "ids of one form"
                variables.append(word)
                first_id = word
            else:
                first_id.absorb(word)
        return
    variable_of_words = Node(first.label[:1] + "<word>" if depth else "<word>", "")
    variable_of_words.forms = set()
    for word in cluster:
        variable_of_words.absorb(word)
    variable_of_words.why = why
    variables.append(variable_of_words)


def _choose_ids(cluster: list[Node], depth: int) -> list[Node]:
    """Return the words that are ids by their form. Where there are some, a word with a number that
    was read once (`2025-spring`) is one too, and so it is where several begin with a number."""
    ids = [word for word in cluster if word.is_id]
    if not depth:
        return ids
    numbered = [word for word in cluster if "<" in word.label]
    begin = [word for word in numbered if word.token[:1].isdigit()]
    return numbered if ids else begin if len(begin) > 1 else []


def _absorb_single_words(literals: list[Node], variables: list[Node]) -> None:
    """Merge single words, and those with damaged values, into the variable that all the other words
    belong to."""
    for word in list(literals):
        if word.is_collection:
            continue
        for variable in variables:
            if (
                "<word>" in variable.label
                and word.label[:1] == variable.label[:1]
                and word.total * 5 <= variable.total
                and _end_depths(word) <= _end_depths(variable)
                and (node_similarity(variable, word) >= ALIKE or _is_damaged(word, variable))
            ):
                variable.absorb(word)
                literals.remove(word)
                break


def _is_damaged(word: Node, variable: Node) -> bool:
    """Return whether it is no document, where the others are documents."""
    values, usual = _first_values(word), _first_values(variable)
    return (
        word.total <= FEW_KEYS
        and values is not None
        and values.kind != "object"
        and usual is not None
        and usual.kind == "object"
    )


def _end_depths(node: Node, depth: int = 0) -> set[int]:
    """Return how many segments below this one its keys end."""
    ends = {depth} if node.count else set()
    children = list(node.children.values())[:50]
    return ends.union(*(_end_depths(child, depth + 1) for child in children))


def _are_ids_by_hand(variable: Node, cluster: list[Node]) -> bool:
    """Return whether they are ids without the form of one: `me`, `system`, or typed by hand."""
    if not variable.values or variable.label[0] != cluster[0].label[0]:
        return False
    usual = variable.values
    holds_ids = usual.kind == "string" and usual.format not in WORDY
    if usual.kind in ("object", "array") or holds_ids or len(cluster) > 2:
        if any(word.total > max(FEW_KEYS, 3 * (len(word.children) + 1)) for word in cluster):
            return False
        return all(
            word.values is not None
            and similarity(usual, word.values) >= 0.55
            and (not holds_ids or word.values.format == usual.format)
            for word in cluster[:20]
        )
    return False


def _why_variable(cluster: list[Node]) -> str:
    """Return why the words are values of a variable, or nothing where they are not."""
    n = len(cluster)
    tokens = [word.token for word in cluster]
    if n >= 2 and sum(map(is_name, tokens)) * 2 >= n:
        return "written as names are"
    if n >= 2 and _are_fields_of_values(cluster):
        return "each is a field of its own value"
    total = sum(word.total for word in cluster)
    ends = [word for word in cluster if word.count]
    if len(ends) == n and not any(word.children for word in cluster):
        return _why_variable_at_end(cluster, total / n)
    below = {label for word in cluster for label in word.children}
    shared = set.intersection(*(set(word.children) for word in cluster))
    if n >= 3 and shared and not any("<" in label for label in below):
        return "the same keys below each"
    inner = _first_values(cluster[0])
    if inner is not None and inner.kind == "object" and not inner.is_map:
        other = _first_values(cluster[-1])
        close = other is not None and similarity(inner, other) >= CLOSE
        return "the same documents below each" if n >= 3 or (n == 2 and close) else ""
    return "so many of one kind" if n >= 12 else ""


def _why_variable_at_end(cluster: list[Node], each: float) -> str:
    n, values = len(cluster), cluster[0].values
    assert values is not None
    if each > 1.5:
        return "so many of one kind" if n >= 20 else ""
    if values.kind == "object":
        return "documents of one kind" if n >= 3 and not values.is_map else ""
    if values.kind == "string" and values.format not in WORDY:
        return "ids of one form in each" if n >= 3 else ""
    return "so many of one kind" if n >= 8 else ""


def _why_tenants(cluster: list[Node]) -> str:
    """Return why the first segment is a variable. It names the family, except where the same
    families stand under several."""
    shared = set.intersection(*(set(word.children) for word in cluster))
    literal = [label for label in shared if "<" not in label]
    if len(cluster) >= 3 and len(literal) >= 2:
        return "the same keys below each"
    ends = all(word.count and not word.children for word in cluster)
    return "so many of one kind" if ends and len(cluster) >= 30 else ""


def _first_values(node: Node) -> Values | None:
    if node.values is not None:
        return node.values
    for child in node.children.values():
        if (values := _first_values(child)) is not None:
            return values
    return None


def _are_fields_of_values(cluster: list[Node]) -> bool:
    """Return whether the values repeat the word, as `provider` of `oauth:{provider}:{id}`."""
    repeating = 0
    for word in cluster:
        values = _first_values(word)
        if values is None or not values.objects:
            return False
        repeating += any(word.token in field.samples for field in values.fields.values())
    return repeating >= 0.6 * len(cluster)


def node_similarity(node: Node, other: Node, depth: int = 0) -> float:
    """Return from 0 to 1 whether the same values and segments are under both."""
    if node.values is not None and other.values is not None:
        return similarity(node.values, other.values)
    if not node.children or not other.children or depth > 2:
        return 0.0
    mine, others = _children_by_kind(node), _children_by_kind(other)
    common = mine.keys() & others.keys()
    if not common:
        # Words under words, as in user:{first}:{last}:{id}: compare what is under those.
        largest = [max(below.values(), key=lambda c: c.total) for below in (mine, others)]
        return 0.9 * node_similarity(largest[0], largest[1], depth + 1)
    share = len(common) / min(len(mine), len(others))
    best = [node_similarity(mine[label], others[label], depth + 1) for label in sorted(common)[:5]]
    return share * max(best)


def _children_by_kind(node: Node) -> dict[str, Node]:
    """Return the children by label, ids by their kind alone."""
    below: dict[str, Node] = {}
    for label, child in node.children.items():
        kind = label[:1] + "<>" if "<" in label else label
        if kind not in below or below[kind].total < child.total:
            below[kind] = child
    return below
