"""What makes a model's scores probabilities, fitted on some speakers and judged on others."""
