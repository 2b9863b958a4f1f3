"""A first row that names the columns again is pointed out, and no other."""

import warnings

import pandas as pd
import pytest

from gfncp.data.second_header import warn_of_second_header

ANSWERS = pd.DataFrame({"Q1": ["agree", "disagree", "neutral"] * 6, "Q2": ["yes", "no"] * 9})
QUESTIONS = pd.DataFrame({"Q1": ["How happy are you?"], "Q2": ["Do you smoke?"]})


def test_a_row_of_questions_is_pointed_out():
    table = pd.concat([QUESTIONS, ANSWERS], ignore_index=True)
    names = ["ResponseId", *(f"R{row}" for row in range(18))]
    for held in (table, table.assign(id=names), table.set_axis(range(5, 24))):
        with pytest.warns(
            UserWarning, match="x.csv: the first row seems to name the columns again .*'How happy are"
        ):
            warn_of_second_header(held, "x.csv")


def test_other_rows_are_not_pointed_out():
    last = pd.concat([ANSWERS, QUESTIONS], ignore_index=True)
    rare = pd.concat([QUESTIONS, ANSWERS, QUESTIONS.assign(Q1="other")], ignore_index=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for table in (
            ANSWERS,
            last,
            rare,
            QUESTIONS,
            ANSWERS[["Q1"]],
            ANSWERS[:0],
            pd.DataFrame({"a": [1, 2]}),
        ):
            warn_of_second_header(table, "x.csv")
