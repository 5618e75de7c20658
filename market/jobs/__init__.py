"""Jobs (中介服务项目): drafts, review, publication, recusals, invitations, questions and answers."""
