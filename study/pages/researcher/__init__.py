"""The researcher's dashboard at /admin: closed to everybody without a session, whatever they ask for."""

from study.pages.researcher.mount import mount_dashboard

__all__ = ["mount_dashboard"]
