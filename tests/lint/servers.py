"""Rules about the libraries that speak to servers: Dramatiq, boto3, SQLAlchemy, APScheduler."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.lint.rule import Module, Rule, has_keyword, says_constant


def _actors_without_broker(module: Module) -> Iterator[ast.AST]:
    decorated = (
        decorator
        for function in module.nodes(ast.FunctionDef)
        for decorator in function.decorator_list
        if module.name_of(decorator) == "dramatiq.actor"
    )
    yield from decorated
    yield from (call for call in module.calls("dramatiq.actor") if not has_keyword(call, "broker"))


def _unconfirmed_brokers(module: Module) -> Iterator[ast.AST]:
    for call in module.nodes(ast.Call):
        name = module.name_of(call.func).rpartition(".")[2]
        if name.endswith("RabbitmqBroker") and not has_keyword(call, "confirm_delivery"):
            yield call


def _deletes_whose_errors_are_not_read(module: Module) -> Iterator[ast.AST]:
    for call in module.calls_of_method("delete_objects"):
        if not says_constant(module.function_of(call), "Errors"):
            yield call


def _clients_of_any_signature(module: Module) -> Iterator[ast.AST]:
    for name in ("client", "resource"):
        for call in module.calls_of_method(name):
            is_s3 = bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == "s3"
            if is_s3 and not has_keyword(call, "config"):
                yield call
    for call in module.calls("botocore.config.Config", "botocore.client.Config"):
        if not has_keyword(call, "signature_version"):
            yield call


def _engines_elsewhere(module: Module) -> Iterator[ast.AST]:
    if module.path != "storage/engine.py":
        yield from module.calls("sqlalchemy.create_engine", "sqlalchemy.engine.create_engine")


def _sweeps_that_can_be_skipped(module: Module) -> Iterator[ast.AST]:
    for call in module.calls_of_method("add_job"):
        if not has_keyword(call, "misfire_grace_time", "coalesce"):
            yield call


RULES: Final = (
    Rule(
        "actor-without-broker",
        "name the broker: @dramatiq.actor(broker=...)",
        "Without it the actor belongs to Dramatiq's global broker, which is RabbitMQ on localhost unless somebody has "
        "set another before this import. Its messages go there and nobody takes them: jobs wait for ever.",
        _actors_without_broker,
    ),
    Rule(
        "publish-unconfirmed",
        "say confirm_delivery=True",
        "RabbitMQ confirms only if it is asked to, and Dramatiq does not ask by default: a broker that was killed lost "
        "every message in flight, and each was taken for sent.",
        _unconfirmed_brokers,
    ),
    Rule(
        "delete-errors-unread",
        "read Errors in the answer of delete_objects",
        "A bulk delete answers 200 when single keys could not be deleted and lists them under Errors. Taken for done, "
        "their rows went and the objects stayed in the bucket, known to nobody (defects D8, E2).",
        _deletes_whose_errors_are_not_read,
    ),
    Rule(
        "s3-signature-unsaid",
        'say Config(signature_version="s3v4")',
        "On an endpoint that is not AWS's boto3 presigns links with the old signature, version 2, which the servers "
        "here do not take: every download link answered 403.",
        _clients_of_any_signature,
    ),
    Rule(
        "engine-elsewhere",
        "use storage.engine.make_engine",
        "How long a connection and a statement may take is said in one place. An engine made elsewhere waits for a "
        "database that is away or frozen until the kernel gives up: requests hung and SIGTERM was ignored (defect D4).",
        _engines_elsewhere,
    ),
    Rule(
        "sweep-skipped",
        "say misfire_grace_time=None and coalesce=True",
        "APScheduler skips a run that is more than one second late, and says nothing. On a busy machine that is any "
        "run: a sweep that fails dead jobs would not have happened for minutes.",
        _sweeps_that_can_be_skipped,
    ),
)
