"""Notices (通知): the inbox of an organisation, mail, and the outbox that carries slow work out of transactions."""
