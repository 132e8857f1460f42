"""RingCentral's error bodies: errorCode and message, repeated in errors[]."""


class ApiError(Exception):
    """One refusal of the API; `more` are members beside the usual ones."""

    def __init__(self, status, code, message, *, headers=(), **more):
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.headers = list(headers)
        self._error = {"errorCode": code, "message": message, **more}

    def body(self, errors_only):
        """Only `errors` is promised: with `errors_only` nothing else is there."""
        if errors_only:
            return {"errors": [self._error]}
        return {**self._error, "errors": [self._error]}


def invalid_parameter(name):
    return ApiError(400, "CMN-101", f"Parameter [{name}] value is invalid", parameterName=name)


def not_found(name="subscriptionId"):
    return ApiError(404, "CMN-102", f"Resource for parameter [{name}] is not found",
                    parameterName=name)
