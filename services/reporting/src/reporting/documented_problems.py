"""What each operation of reporting may refuse besides what every service may, for its OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems

_REPORTS = ("volume", "first-response", "assignments")

PROBLEMS: OwnProblems = {
    f"GET /v1/reports/{report}{form}": ("422 invalid_range",) for report in _REPORTS for form in ("", ".csv")
}
