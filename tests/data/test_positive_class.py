"""The class that people call positive is the positive one."""

import pytest

from rounds.data.cohort.positive_class import positive_class


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("ckd", "notckd"),
        ("positive", "negative"),
        ("Died", "Survived"),
        ("case", "Control"),
        ("1", "0"),
        ("YES", "no"),
        ("True", "False"),
        ("M", "B"),
        ("detected", "not detected"),
        ("recurrence-events", "no-recurrence-events"),
        ("tested_positive", "tested_negative"),
        ("diabetic", "nondiabetic"),
        ("PNEUMONIA", "NORMAL"),
        ("<30", "NO"),
        ("disease", "no disease"),
        ("Deceased", "Alive"),
        ("Parkinson", "Healthy"),
        ("AD", "control"),
        ("1", "-1"),
        ("infected", "uninfected"),
        ("active", "inactive"),
        ("Y", "N"),
        ("Died in hospital", "Discharged alive"),
        ("smoker", "nonsmoker"),
        ("Ja", "Nein"),
        ("high", "low"),
        ("expired", "ALIVE"),
        ("abnormal", "normal"),
        ("responder", "non-responder"),
        ("sepsis", "without sepsis"),
        ("P", "N"),
        ("dead", "censored"),
        ("verstorben", "entlassen"),
        ("Vrai", "Faux"),
        ("DÉCÉDÉ", "vivant"),
        ("falleció", "sobrevivió"),
        ("J", "N"),
        ("2", "0"),
        ("DIE", "LIVE"),
        ("1:DECEASED", "0:LIVING"),
    ],
)
def test_words_decide(positive: str, negative: str) -> None:
    for rows in ({positive: 90, negative: 10}, {negative: 10, positive: 90}):
        assert positive_class(rows).label == positive
        assert positive_class(rows).why == "by its name"


@pytest.mark.parametrize(
    ("rows", "label"), [({"1": 30, "2": 70}, "1"), ({"1": 70, "2": 30}, "2"), ({"A": 9, "B": 5}, "B")]
)
def test_else_the_rarer_class(rows: dict[str, int], label: str) -> None:
    found = positive_class(rows)
    assert found.label == label
    assert "the rarer class" in found.why
