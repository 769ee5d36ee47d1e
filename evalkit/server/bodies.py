"""JSON bodies into pydantic models, with errors that say what is wrong, and where."""

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from starlette.requests import Request

from evalkit.server.errors import RequestError

T = TypeVar("T", bound=BaseModel)
Finite = Annotated[float, Field(allow_inf_nan=False)]
_MOST_VALUES = 500_000
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)
_MOST_CHARS = 80
_REF = "#/components/schemas/{model}"


class Body(BaseModel):
    """Of a shape of our own: the types are meant, and a key that nobody knows is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ForeignBody(BaseModel):
    """Of somebody else's shape, whose clients may send more than we need."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


async def read(request: Request, model: type[T]) -> T:
    """Raises RequestError: 415 for what is not said to be JSON, 400 for what is not, 422 for fields."""
    check_content_type(request, "application/json")
    return parse(await request.body(), model)


def parse(text: bytes, model: type[T], where: str = "") -> T:
    """`where` is the place of the text in the request, such as "line 7"."""
    _check_size(text, where)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        if b"\\ud" in text or b"\\uD" in text:
            return _parse_surrogates(text, model, where)
        _refuse(error, where)


def _check_size(text: bytes, where: str) -> None:
    """Values can take hundreds of times the room of the bytes that say them."""
    if sum(map(text.count, (b"[", b"{", b","))) <= _MOST_VALUES:
        return
    if next(islice(_TOKEN.finditer(text), _MOST_VALUES, None), None):
        raise RequestError(413, f"a body of more than {_MOST_VALUES:,} values", where)


def _parse_surrogates(text: bytes, model: type[T], where: str) -> T:
    """Models write half characters, which the fast parser refuses and graders read."""
    try:
        return model.model_validate(json.loads(text))
    except ValidationError as error:
        _refuse(error, where)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"not JSON: {error}", where) from error


def _refuse(error: ValidationError, where: str) -> NoReturn:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        raise RequestError(400, first["msg"].replace("Invalid JSON", "not JSON"), where) from error
    others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    found = "" if first["type"] == "missing" else f", not {_shown(first['input'])}"
    place = _place(first["loc"])
    place = f"{where}: {place}" if where and place else place or where
    raise RequestError(422, f"{first['msg']}{found}{others}", place) from error


def check_content_type(request: Request, needed: str) -> None:
    found = request.headers.get("content-type", "")
    if found.partition(";")[0].strip().lower() != needed:
        raise RequestError(
            415, f"the content type is {found[:100]!r}, but {needed} is needed", "Content-Type"
        )


def describes(model: type[BaseModel], media_type: str = "application/json") -> dict[str, Any]:
    """`openapi_extra` of a route that reads this model; the model's schema goes to the components."""
    content = {media_type: {"schema": reference(model)}}
    return {"requestBody": {"required": True, "content": content}}


def reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def schemas(models: list[type[BaseModel]]) -> Mapping[str, Any]:
    """The components that `describes` refers to."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=_REF,
        schema_generator=GenerateJsonSchema,
    )
    found: Mapping[str, Any] = definitions.get("$defs", {})
    return found


def _place(path: tuple[int | str, ...]) -> str:
    """As in items[3].target; names in angle brackets are those of alternatives, not of fields."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not part.startswith("<"):
            name = ascii(part)[1:-1][:_MOST_CHARS]
            text += f".{name}" if text else name
    return text


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return ascii(value[:_MOST_CHARS])
    if isinstance(value, int) and value.bit_length() > 64:
        return "so large a number"
    return str(value) if isinstance(value, int | float | None) else type(value).__name__
