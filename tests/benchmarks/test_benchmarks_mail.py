"""What the benchmarks of mail come to, and that they measure what they say."""

from email import message_from_bytes
from io import StringIO

from benchmarks.mail_accept import AcceptRun
from benchmarks.mail_corpus import found_mails, mixed, own_mails
from benchmarks.mail_figures import MailMeasured, MailResult, accepting, mail_targets, parsing, print_mail, visible
from benchmarks.mail_parse import ParseRun
from benchmarks.mail_visible import VisibleRun
from rich.console import Console


def test_the_corpus_is_the_same_each_time_and_no_mail_twice() -> None:
    """Runs are compared with each other, and within one run no mail is a copy of another."""
    mails = list(own_mails(40, run="a", recipient="support@bench.example"))
    ids = {message_from_bytes(mail)["Message-ID"] for mail in mails}
    types = {message_from_bytes(mail).get_content_type() for mail in mails}

    assert mails == list(own_mails(40, run="a", recipient="support@bench.example"))
    assert len(ids) == 40
    assert types == {"text/plain", "multipart/alternative", "text/html", "multipart/mixed"}
    assert len(mixed(30, run="a", recipient="support@bench.example")) == 30
    assert found_mails()


def test_accepting_is_compared_by_medians() -> None:
    """Runs in turn, the median of each kind, in units of the bare server."""
    runs = [AcceptRun("door", rate, 900.0) for rate in (300.0, 10.0, 320.0)]
    runs += [AcceptRun("bare", rate, 600.0) for rate in (400.0, 500.0, 400.0)]
    found = accepting(1000, runs)

    assert (found.door, found.bare, found.ratio) == (300.0, 400.0, 0.75)
    assert found.door_runs == [300.0, 10.0, 320.0]


def test_every_aim_is_compared_with_what_was_measured() -> None:
    """What misses its aim is said to, and a mail that was never seen spoils the best latency."""
    measured = MailMeasured(
        accepting=accepting(10, [AcceptRun("door", 69.0, 1.0), AcceptRun("bare", 100.0, 1.0)]),
        parsing=[
            parsing([ParseRun(1, 300, seconds, cpu, 0.03) for seconds, cpu in ((2.0, 1.5), (1.0, 9.0), (9.0, 1.4))]),
            parsing([ParseRun(2, 300, 0.9, 2.5, 0.06)]),
        ],
        visible=visible(VisibleRun(50.0, 100, 1, [0.1] * 99, [0.0])),
    )
    shown = StringIO()
    result = MailResult(at="now", machine="two", commit="abc", load_average=1.0, measured=measured)
    print_mail(Console(file=shown, width=150), result)

    assert [target.is_met for target in mail_targets(measured)] == [False, True, False, False]
    assert (measured.parsing[0].per_second, measured.parsing[0].per_cpu_second) == (150.0, 200.0)
    assert "100 µs ours each" in shown.getvalue()
    assert "99 of 100 seen, 1 refused" in shown.getvalue()
