"""Proofs: frozen copies of the evidence."""

from fluxum.book.proof import BookStatus, Evidence
from fluxum.model.instrument import Symbol


def test_evidence_begins_with_nothing() -> None:
    proof = Evidence().proof("kraken", Symbol("BTC/USD"), 10)

    assert proof.status is BookStatus.SYNCING
    assert (proof.generation, proof.checks, proof.depth_proved, proof.depth) == (0, 0, 0, 10)
    assert proof.age_s(5) is None
    assert not proof.is_valid


def test_a_proof_is_a_copy_and_knows_its_age() -> None:
    evidence = Evidence()
    evidence.status = BookStatus.VALID
    evidence.live = True
    evidence.proved_ns = 1_000_000_000
    evidence.depth_proved = 10
    proof = evidence.proof("kraken", Symbol("BTC/USD"), 10)
    evidence.withdraw(BookStatus.DESYNCED, "it failed")

    assert proof.is_valid
    assert proof.age_s(3_500_000_000) == 2.5
    assert not evidence.live
    later = evidence.proof("kraken", Symbol("BTC/USD"), 10)
    assert (later.status, later.reason, later.depth_proved) == (
        BookStatus.DESYNCED,
        "it failed",
        0,
    )
