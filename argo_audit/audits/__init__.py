"""The job: what an audit is asked for, carried out, resumed, evaluated and compared."""
