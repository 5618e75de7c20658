"""Contracts (合同): confirmation, milestones, pauses, changes, delivery, acceptance; days and prices counted."""
